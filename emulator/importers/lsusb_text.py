"""The text of ``lsusb -v``, cut into blocks: a heading, and the fields or bytes that stand below it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from .lsusb_fields import FIELD, Fields, integer

__all__ = ["NOT_CONFIGURATION", "Block", "blocks"]

_HEADING = re.compile(r"\s*([A-Z][\w.,/ -]*?)\s*(?:\([^)]*\))?:\s*(?:\(length is \d+\))?", re.ASCII)
_RAW = re.compile(
    r"\s*(?:(?:\*\* )?UNRECOGNIZED(?: CDC)?|INTERFACE CLASS|DEVICE CLASS|INVALID CDC \([^)]*\)):"
    r"((?:\s+[0-9a-f]{2})+)\s*",
    re.ASCII,
)
_TAIL = re.compile(r"\s*(?:junk at descriptor end|Invalid desc (?:sub|format )type):((?:\s+[0-9a-f]{2})+)\s*", re.ASCII)
_ITEM = re.compile(r"\s*Item\(\w+\s*\): ([\w ]+?), data=\s*(?:none|\[((?: 0x[0-9a-f]{2})+) \].*)", re.ASCII)
_PIPE = re.compile(r"\s*(?:Command|Status|Data-in|Data-out) pipe \(0x([0-9a-f]{2})\)\s*", re.ASCII)
_REPORT_TAGS = {
    "Input": 0x80, "Output": 0x90, "Collection": 0xA0, "Feature": 0xB0, "End Collection": 0xC0, "Usage Page": 0x04,
    "Logical Minimum": 0x14, "Logical Maximum": 0x24, "Physical Minimum": 0x34, "Physical Maximum": 0x44,
    "Unit Exponent": 0x54, "Unit": 0x64, "Report Size": 0x74, "Report ID": 0x84, "Report Count": 0x94, "Push": 0xA4,
    "Pop": 0xB4, "Usage": 0x08, "Usage Minimum": 0x18, "Usage Maximum": 0x28, "Designator Index": 0x38,
    "Designator Minimum": 0x48, "Designator Maximum": 0x58, "String Index": 0x78, "String Minimum": 0x88,
    "String Maximum": 0x98, "Set Delimiter": 0xA8, "Delimiter": 0xA8,
}  # fmt: skip
"""Item prefixes without their size (HID 1.11, 6.2.2)."""
_DATA_SIZES = {0: 0, 1: 1, 2: 2, 4: 3}
_LONELY_GUID = re.compile(r"\s+guid\w+\s*", re.ASCII)
NOT_CONFIGURATION = ("Device Qualifier", "Hub Descriptor", "Device Status", "Debug descriptor", "Billboard")
"""Headings that end a configuration: what follows them was asked for separately."""
_MAX_LINE = 1024
"""The longest line that lsusb prints is one of 255 bytes."""


@dataclass(slots=True)
class Block:
    """A heading, and what stands below it until the next one. ``raw``: bytes that were printed as such."""

    title: str
    fields: Fields = field(default_factory=list)
    raw: bytes = b""
    pipes: list[int] = field(default_factory=list)

    def value(self, name: str) -> int:
        """The number of the first field with this name, 0 without one."""
        text = next((text for each, text in self.fields if each == name), "")
        return integer(text) or 0


def blocks(lines: Iterable[str]) -> Iterator[Block]:
    """The blocks of a text, in their order; what stands before the first heading is one without a title."""
    block = Block("")
    for line in _unwrapped(each for each in lines if len(each) <= _MAX_LINE):
        if match := _RAW.fullmatch(line):
            yield block
            yield Block("raw", raw=bytes.fromhex(match[1]))
            block = Block("")
        elif match := _TAIL.fullmatch(line):
            block.raw += bytes.fromhex(match[1])
        elif match := _ITEM.fullmatch(line):
            block.raw += _item(match[1], match[2] or "")
        elif match := _PIPE.fullmatch(line):
            block.pipes.append(int(match[1], 16))
        elif (match := _HEADING.fullmatch(line)) or line.startswith(NOT_CONFIGURATION):
            yield block
            block = Block(match[1] if match else line.split(":")[0])
        elif match := FIELD.fullmatch(line):
            block.fields.append((match[1], match[2]))
    yield block


def _item(tag: str, data: str) -> bytes:
    values = bytes(int(each, 16) for each in data.split())
    prefix = _REPORT_TAGS.get(tag)
    if prefix is None or len(values) not in _DATA_SIZES:
        return b""
    return bytes((prefix | _DATA_SIZES[len(values)],)) + values


def _unwrapped(lines: Iterable[str]) -> Iterator[str]:
    """Lines, those with a GUID whole again that a mail program has broken in two."""
    guid = ""
    for line in lines:
        if _LONELY_GUID.fullmatch(line):
            guid = line
        elif guid and line.lstrip().startswith("{"):
            yield guid + " " + line.lstrip()
            guid = ""
        else:
            yield line
