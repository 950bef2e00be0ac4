"""hil.clients.hid: reports out of report descriptors."""

from __future__ import annotations

from emulator.devices.keyboard import KEYBOARD_REPORT
from hil.clients.hid import FEATURE, INPUT, OUTPUT, reports


def test_the_reports_of_a_boot_keyboard() -> None:
    assert reports(KEYBOARD_REPORT) == {(INPUT, 0): 8, (OUTPUT, 0): 1}


def test_reports_with_ids_have_a_byte_for_it() -> None:
    descriptor = bytes.fromhex("a101 8501 7508 9502 8102 8502 9503 b102 7501 9509 9102 c0")
    assert reports(descriptor) == {(INPUT, 1): 3, (FEATURE, 2): 4, (OUTPUT, 2): 3}


def test_what_was_pushed_is_popped() -> None:
    assert reports(bytes.fromhex("7508 9501 a4 8507 9504 8102 b4 8102")) == {(INPUT, 7): 5, (INPUT, 0): 1}


def test_long_items_and_a_cut_end_do_no_harm() -> None:
    assert reports(bytes.fromhex("fe02aa0102 7508 9503 8102 96")) == {(INPUT, 0): 3}
