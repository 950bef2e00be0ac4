"""docs/conformance.md: its tables are those of the code, and the code's are those of the suites."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.device import VirtualDevice
from emulator.devices.loopback import LoopbackFirmware, loopback_gadget
from hil.conformance import usbtest
from hil.conformance.case import Outcome, run
from hil.conformance.kernel_usbtest import KERNEL_CASES
from hil.conformance.subject import Subject
from hil.conformance.tables import PARTS

PAGE = Path(__file__).parents[4] / "docs/conformance.md"


@pytest.mark.parametrize("name", PARTS)
def test_the_page_is_up_to_date(name: str) -> None:
    part = f"<!-- begin: {name} -->\n{PARTS[name]()}<!-- end: {name} -->"
    assert part in PAGE.read_text(encoding="utf-8"), "run 'nox -s docs'"


def test_a_program_passes_what_the_table_says() -> None:
    results = run(usbtest.CASES, Subject(VirtualDevice(loopback_gadget(), LoopbackFirmware())))
    passed = {int(result.case.name.split()[0]) for result in results if result.outcome is Outcome.PASSED}
    assert passed == {case.number for case in KERNEL_CASES if not case.program}
