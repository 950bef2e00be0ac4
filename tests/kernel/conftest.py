"""Rigs for the kernel tests: made at first use, up for the whole session; a failed test shows their kernels' logs.

``uml`` and ``hardware`` are the same two rigs with ``wslusb serve`` and ``wslusb agent`` running on them.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from hil.vm.machine import Machine
from hil.vm.qemu import QemuMachine
from hil.vm.rig import Rig
from hil.vm.uml import UmlMachine
from tests.kernel.support import Passthrough, daemons_of, safe

TEST_SECONDS = 300
LOG_TAIL = 4000
UDCS = 8
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
    with Rig.uml_pair(tmp_path_factory.mktemp("uml-pair"), kernel_args=[f"dummy_hcd.num={UDCS}"]) as rig:
        _rigs.append(rig)
        yield rig


@pytest.fixture(scope="session")
def qemu_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig[QemuMachine]]:
    with Rig.qemu_host(tmp_path_factory.mktemp("qemu-host")) as rig:
        _rigs.append(rig)
        yield rig


@pytest.fixture(scope="session")
def uml_daemons(uml_pair: Rig[UmlMachine]) -> Passthrough[UmlMachine]:
    return Passthrough(uml_pair)


@pytest.fixture(scope="session")
def qemu_daemons(qemu_host: Rig[QemuMachine]) -> Passthrough[QemuMachine]:
    return Passthrough(qemu_host)


@pytest.fixture
def uml(uml_daemons: Passthrough[UmlMachine]) -> Iterator[Passthrough[UmlMachine]]:
    """Service and agent on two UML machines, whose devices are the kernel's gadgets."""
    uml_daemons.ready()
    yield uml_daemons
    uml_daemons.settle()


@pytest.fixture
def hardware(qemu_daemons: Passthrough[QemuMachine]) -> Iterator[Passthrough[QemuMachine]]:
    """The service on a stock kernel with QEMU's hardware, the agent in a UML machine."""
    qemu_daemons.ready()
    yield qemu_daemons
    qemu_daemons.settle()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        values = list(getattr(item, "funcargs", {}).values())
        daemons = daemons_of(values)
        for rig in dict.fromkeys([value for value in values if value in _rigs] + [each.rig for each in daemons]):
            for machine in rig.machines.values():
                report.sections.append((f"kernel log of {machine.name}", _log_tail(machine)))
        for each in daemons:
            report.sections.append(("logs of service and agent", each.logs()))
    return report


def _log_tail(machine: Machine) -> str:
    return safe(machine.dmesg)[-LOG_TAIL:]
