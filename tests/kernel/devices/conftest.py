"""Virtual devices under real drivers: ``lab.plug("keyboard")`` puts one through vsock and vhci_hcd into a kernel."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hil.vm.rig import Rig
from hil.vm.uml import UmlMachine
from tests.kernel.devices.lab import Lab


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--captures", metavar="DIR", help="replay every capture in DIR to a kernel (test_captures.py)")


@pytest.fixture(scope="session")
def lab_pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Rig.uml_pair(tmp_path_factory.mktemp("lab")) as rig:
        yield Lab(rig)


@pytest.fixture
def lab(lab_pair: Lab) -> Iterator[Lab]:
    """Two machines; the host's devices are the emulator's."""
    lab_pair.mark()
    yield lab_pair
    lab_pair.settle()


@pytest.fixture
def kernel(lab: Lab) -> UmlMachine:
    """The machine whose drivers bind to the devices."""
    return lab.guest
