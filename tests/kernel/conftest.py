"""Rigs for the kernel tests: made at first use, up for the whole session; a failed test shows their kernels' logs."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from hil.errors import RigError
from hil.vm.qemu import QemuMachine
from hil.vm.rig import Rig
from hil.vm.uml import UmlMachine

TEST_SECONDS = 300
LOG_TAIL = 4000
_rigs: list[Rig[UmlMachine] | Rig[QemuMachine]] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.kernel)
            if item.get_closest_marker("timeout") is None:
                # Not for fixtures: the first of them may have to build a kernel.
                item.add_marker(pytest.mark.timeout(TEST_SECONDS, func_only=True))


@pytest.fixture(scope="session")
def uml_pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig[UmlMachine]]:
    with Rig.uml_pair(tmp_path_factory.mktemp("uml-pair")) as rig:
        _rigs.append(rig)
        yield rig


@pytest.fixture(scope="session")
def qemu_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig[QemuMachine]]:
    with Rig.qemu_host(tmp_path_factory.mktemp("qemu-host")) as rig:
        _rigs.append(rig)
        yield rig


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        used = [value for value in getattr(item, "funcargs", {}).values() if value in _rigs]
        for rig in used:
            for machine in rig.machines.values():
                report.sections.append((f"kernel log of {machine.name}", _log_tail(machine)))
    return report


def _log_tail(machine: UmlMachine | QemuMachine) -> str:
    try:
        return machine.dmesg()[-LOG_TAIL:]
    except RigError as error:
        return str(error)
