"""docs/scenarios.md says every key, and its examples are read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from emulator.catalogue import kind_named
from emulator.device import VirtualDevice
from emulator.options import Options
from emulator.scenario import read_answers, read_gadget, read_rules, reads
from emulator.scenario.names import CLASSES, HID_REPORTS
from wslusb.device import sync
from wslusb.usb.setup import Setup

DOCS = Path(__file__).parents[4] / "docs"
PAGE = (DOCS / "scenarios.md").read_text()
ROWS = {
    name: set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`[^|]+) \|", part, re.MULTILINE))))
    for name, part in re.findall(r"^#+ (.+?)\n(.*?)(?=^#|\Z)", PAGE, re.MULTILINE | re.DOTALL)
}
KEYS = {
    "The whole file": {"name", "summary", *read_gadget.GADGET_KEYS, *read_rules.RULE_KEYS},
    "device": set(read_gadget._DEVICE_KEYS),
    "configurations": set(read_gadget._CONFIGURATION_KEYS),
    "interfaces": set(read_gadget._INTERFACE_KEYS),
    "endpoints": set(read_gadget._ENDPOINT_KEYS),
    "Rules": {"endpoint", *read_rules._COMMON, *read_rules._SPOKEN, *read_rules._SETUP},
}


@pytest.mark.parametrize("section", KEYS)
def test_a_table_has_every_key_and_no_other(section: str) -> None:
    assert ROWS[section] == KEYS[section]


def test_the_table_of_answers_has_every_key() -> None:
    assert ROWS["answers"] == {*read_answers.ANSWER_KEYS, *read_answers.STATUSES}


@pytest.mark.parametrize("word", [*CLASSES, *HID_REPORTS])
def test_every_word_for_a_number_is_there(word: str) -> None:
    assert f"`{word}`" in PAGE


def test_the_first_example_works_as_it_says() -> None:
    blocks = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    model = reads(blocks[0]).model()
    device = VirtualDevice(model.gadget, model.firmware)
    assert [sync.control(device, Setup(0xC0, 1, 0, 0, 1)).data for _ in range(2)] == [b"\0", b"\1"]


def test_the_device_in_python_is_under_40_lines_and_throws() -> None:
    path = DOCS / "examples" / "dice.py"
    assert len(path.read_text().splitlines()) < 40
    model = kind_named(str(path)).make(Options())
    device = VirtualDevice(model.gadget, model.firmware)
    assert [sync.control(device, Setup(0xC0, 1, 0, 0, 1)).data[0] for _ in range(6)] == [3, 1, 4, 1, 5, 3]
