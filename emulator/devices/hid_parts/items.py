"""Report descriptors, written as the items that they are made of (HID 1.11, 6.2.2)."""

from __future__ import annotations

import enum
from collections.abc import Iterable

__all__ = ["CONSTANT", "DATA_ABSOLUTE", "DATA_ARRAY", "DATA_RELATIVE", "Collection", "Item", "report_descriptor"]

DATA_ARRAY, CONSTANT, DATA_ABSOLUTE, DATA_RELATIVE = 0x00, 0x01, 0x02, 0x06
"""Data of Input, Output and Feature items (6.2.2.5): usages by number; padding; a variable each usage, of two kinds."""


class Item(enum.IntEnum):
    """bTag and bType of a short item, in place (6.2.2.4, 6.2.2.7, 6.2.2.8)."""

    INPUT = 0x80
    OUTPUT = 0x90
    COLLECTION = 0xA0
    FEATURE = 0xB0
    END_COLLECTION = 0xC0
    USAGE_PAGE = 0x04
    LOGICAL_MINIMUM = 0x14
    LOGICAL_MAXIMUM = 0x24
    PHYSICAL_MINIMUM = 0x34
    PHYSICAL_MAXIMUM = 0x44
    UNIT = 0x64
    REPORT_SIZE = 0x74
    REPORT_ID = 0x84
    REPORT_COUNT = 0x94
    USAGE = 0x08
    USAGE_MINIMUM = 0x18
    USAGE_MAXIMUM = 0x28


class Collection(enum.IntEnum):
    """Data of a Collection item (6.2.2.6)."""

    PHYSICAL = 0
    APPLICATION = 1


_SIGNED = {Item.LOGICAL_MINIMUM, Item.LOGICAL_MAXIMUM, Item.PHYSICAL_MINIMUM, Item.PHYSICAL_MAXIMUM}
_SIZES = ((1, 1), (2, 2), (3, 4))  # bSize, bytes


def report_descriptor(items: Iterable[tuple[Item, int]]) -> bytes:
    """The items as bytes, each in the least space (6.2.2.2). ``OverflowError`` for a value over 32 bits."""
    return b"".join(_short_item(*item) for item in items)


def _short_item(item: Item, value: int) -> bytes:
    if item is Item.END_COLLECTION:
        return bytes((item,))
    signed = item in _SIGNED
    for code, size in _SIZES:
        low, high = (-(1 << 8 * size - 1), 1 << 8 * size - 1) if signed else (0, 1 << 8 * size)
        if low <= value < high:
            return bytes((item | code,)) + value.to_bytes(size, "little", signed=signed)
    raise OverflowError(f"{item.name} {value} does not fit an item")
