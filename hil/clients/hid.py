"""What a report descriptor says of a HID device's reports: which there are, and how long (HID 1.11, 6.2.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

__all__ = ["FEATURE", "INPUT", "OUTPUT", "reports"]

INPUT, OUTPUT, FEATURE = 1, 2, 3
"""Report types as GET_REPORT has them (7.2.1)."""
_MAIN = {0x80: INPUT, 0x90: OUTPUT, 0xB0: FEATURE}
_SIZE, _ID, _COUNT, _PUSH, _POP = 0x74, 0x84, 0x94, 0xA4, 0xB4
_LONG = 0xFE
_LENGTHS = (0, 1, 2, 4)


@dataclass(slots=True, frozen=True)
class _Globals:
    """The part of the item state table (6.2.2.2) that lengths come from."""

    size: int = 0
    count: int = 0
    id: int = 0


def reports(descriptor: bytes) -> dict[tuple[int, int], int]:
    """By type and ID (0 where the device uses none): bytes of the report, with that of the ID where there is one."""
    bits: dict[tuple[int, int], int] = {}
    state, stack = _Globals(), list[_Globals]()
    for tag, value in _items(descriptor):
        if tag == _SIZE:
            state = replace(state, size=value)
        elif tag == _COUNT:
            state = replace(state, count=value)
        elif tag == _ID:
            state = replace(state, id=value)
        elif tag == _PUSH:
            stack.append(state)
        elif tag == _POP and stack:
            state = stack.pop()
        elif tag in _MAIN:
            key = _MAIN[tag], state.id
            bits[key] = bits.get(key, 0) + state.size * state.count
    return {key: (total + 7) // 8 + (key[1] != 0) for key, total in bits.items()}


def _items(descriptor: bytes) -> Iterator[tuple[int, int]]:
    """Tag and type of each short item, and its value without a sign."""
    at = 0
    while at < len(descriptor):
        head = descriptor[at]
        if head == _LONG:
            at += 3 + descriptor[at + 1] if at + 1 < len(descriptor) else 3
            continue
        length = _LENGTHS[head & 3]
        yield head & 0xFC, int.from_bytes(descriptor[at + 1 : at + 1 + length], "little")
        at += 1 + length
