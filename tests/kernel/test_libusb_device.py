"""LibusbDevice in the virtual machines: on kernel gadgets in UML, and isochronous on QEMU's sound card.

The cases are in ``libusb/`` and ``libusb_iso_cases.py`` and run inside the machine, by a pytest there; each has its own
result here. What a case printed, or why it failed, is what the machine's pytest said.
"""

from __future__ import annotations

import ast
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from hil.vm.qemu import QemuMachine
from hil.vm.rig import Rig
from hil.vm.uml import UmlMachine

HERE = Path(__file__).parent
ON_GADGETS = [f"libusb/{part}_cases.py" for part in ("opening", "transfer", "state", "ending")]
ISOCHRONOUS = ["libusb_iso_cases.py"]
RUN_SECONDS = 240
PYTEST = ["-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider", "-o", "junit_family=xunit1"]
PYTEST += ["-o", "addopts=--import-mode=importlib"]  # without the project's -m "not kernel"

Outcomes = dict[str, list[str]]
"""By function name: what failed, nothing for a success."""


def case_names(files: Sequence[str]) -> list[str]:
    """The test functions and classes of modules that cannot be imported here, since nothing is plugged in."""
    nodes = [node for file in files for node in ast.parse((HERE / file).read_text()).body]
    functions = [node.name for node in nodes if isinstance(node, ast.FunctionDef)]
    classes = [node.name for node in nodes if isinstance(node, ast.ClassDef)]
    return [name for name in functions if name.startswith("test_")] + [name for name in classes if name[:4] == "Test"]


def run_inside(machine: UmlMachine | QemuMachine, files: Sequence[str]) -> Outcomes:
    report = machine.shared / f"{Path(files[0]).name}.xml"
    cases = [f"tests/kernel/{file}" for file in files]
    result = machine.python(*PYTEST, f"--junitxml={report}", *cases, timeout=RUN_SECONDS, check=False)
    assert report.exists(), result.output
    outcomes: Outcomes = {}
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 - written by our own pytest
        owner = case.get("classname", "").rpartition(".")[2]
        name = owner if owner.startswith("Test") else case.get("name", "").partition("[")[0]
        failed = [f"{case.get('name')}: {each.text}" for each in case if each.tag in {"failure", "error"}]
        outcomes.setdefault(name, []).extend(failed)
    return outcomes


@pytest.fixture(scope="module")
def on_gadgets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcomes]:
    with Rig.uml_single(tmp_path_factory.mktemp("libusb")) as rig:
        yield run_inside(rig.host, ON_GADGETS)


@pytest.mark.parametrize("name", case_names(ON_GADGETS))
def test_on_gadgets(on_gadgets: Outcomes, name: str) -> None:
    assert name in on_gadgets, "it did not run"
    assert not on_gadgets[name], "\n".join(on_gadgets[name])


@pytest.fixture(scope="module")
def on_sound_card(qemu_host: Rig[QemuMachine]) -> Outcomes:
    return run_inside(qemu_host.host, ISOCHRONOUS)


@pytest.mark.parametrize("name", case_names(ISOCHRONOUS))
def test_isochronous(on_sound_card: Outcomes, name: str) -> None:
    assert name in on_sound_card, "it did not run"
    assert not on_sound_card[name], "\n".join(on_sound_card[name])
