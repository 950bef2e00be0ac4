"""emulator.devices.hid_parts: items of report descriptors, layouts of keyboards."""

from __future__ import annotations

import pytest

from emulator.devices.hid_parts.items import Collection, Item, report_descriptor
from emulator.devices.hid_parts.keymap import LAYOUTS, Modifier, strokes


@pytest.mark.parametrize(
    ("item", "value", "raw"),
    [
        (Item.USAGE_PAGE, 0x01, "0501"),
        (Item.USAGE_PAGE, 0xFF, "05ff"),
        (Item.USAGE_PAGE, 0xF1D0, "06d0f1"),
        (Item.USAGE, 0x0001_0000, "0b00000100"),
        (Item.LOGICAL_MINIMUM, -127, "1581"),
        (Item.LOGICAL_MINIMUM, -128, "1580"),
        (Item.LOGICAL_MINIMUM, -129, "167fff"),
        (Item.LOGICAL_MAXIMUM, 127, "257f"),
        (Item.LOGICAL_MAXIMUM, 128, "268000"),  # one byte would say -128
        (Item.LOGICAL_MAXIMUM, 65_535, "27ffff0000"),
        (Item.REPORT_COUNT, 255, "95ff"),
        (Item.COLLECTION, Collection.APPLICATION, "a101"),
        (Item.END_COLLECTION, 0, "c0"),
    ],
)
def test_items_take_the_least_space_that_keeps_their_sign(item: Item, value: int, raw: str) -> None:
    assert report_descriptor([(item, value)]).hex() == raw


@pytest.mark.parametrize(("item", "value"), [(Item.USAGE, 1 << 32), (Item.USAGE, -1), (Item.LOGICAL_MAXIMUM, 1 << 31)])
def test_values_that_fit_no_item(item: Item, value: int) -> None:
    with pytest.raises(OverflowError):
        report_descriptor([(item, value)])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_key_of_a_layout_writes_one_character(layout: str) -> None:
    keys = list(LAYOUTS[layout].values())
    assert len(set(keys)) == len(keys)
    assert all(0x04 <= usage <= 0x65 for _, usage in keys)


def test_a_us_keyboard_writes_all_of_ascii() -> None:
    text = "".join(map(chr, range(0x20, 0x7F)))
    assert len(strokes(text)) == len(text)


@pytest.mark.parametrize(
    ("layout", "character", "stroke"),
    [
        ("us", "a", (Modifier(0), 0x04)),
        ("us", "Z", (Modifier.LEFT_SHIFT, 0x1D)),
        ("us", "0", (Modifier(0), 0x27)),
        ("us", ")", (Modifier.LEFT_SHIFT, 0x27)),
        ("us", "?", (Modifier.LEFT_SHIFT, 0x38)),
        ("us", "`", (Modifier(0), 0x35)),
        ("de", "Z", (Modifier.LEFT_SHIFT, 0x1C)),
        ("de", "ß", (Modifier(0), 0x2D)),
        ("de", "/", (Modifier.LEFT_SHIFT, 0x24)),
        ("de", "{", (Modifier.RIGHT_ALT, 0x24)),
        ("de", "~", (Modifier.RIGHT_ALT, 0x30)),
        ("de", "#", (Modifier(0), 0x32)),
        ("de", "Ä", (Modifier.LEFT_SHIFT, 0x34)),
        ("de", "_", (Modifier.LEFT_SHIFT, 0x38)),
        ("de", "|", (Modifier.RIGHT_ALT, 0x64)),
    ],
)
def test_keys_are_where_they_are_printed(layout: str, character: str, stroke: tuple[Modifier, int]) -> None:
    assert strokes(character, layout) == [stroke]
