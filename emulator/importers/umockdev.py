"""Dumps of umockdev-record: blocks of lines, a block a device of sysfs, parents behind their children.

``P:`` path, ``E:`` uevent property, ``A:`` attribute as text (backslash and newline escaped), ``H:`` attribute as
hexadecimal digits, ``N:`` device node with its contents, ``L:`` link.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from wslusb.usb.ids import Speed

from . import sysfs
from .evidence import Evidence, unreadable

__all__ = ["read", "recognize"]

_MAX_DEVICES = 4096
_ESCAPE = re.compile(r"\\([n\\])")


@dataclass(slots=True)
class _Block:
    path: str
    node: str = ""
    text: dict[str, str] = field(default_factory=dict)
    binary: dict[str, str] = field(default_factory=dict)


def recognize(head: str) -> bool:
    """Whether a text starts like a dump."""
    lines = [line for line in head.splitlines() if line and not line.startswith(("#", "@"))]
    return bool(lines) and lines[0].startswith("P: /")


def read(text: str) -> list[Evidence]:
    """Every USB device of a dump, named by its port (``1-2``). LocalError for hexadecimal digits that are none."""
    blocks = list(_blocks(text))
    found = {}
    for block in blocks:
        if "descriptors" in block.binary or (block.node and "/usb" in block.path):
            found[block.path] = _device(block)
    for block in blocks:
        _add_child(found, block)
    return list(found.values())


def _blocks(text: str) -> Iterator[_Block]:
    block: _Block | None = None
    count = 0
    for line in text.splitlines():
        kind, colon, rest = line[:1], line[1:2], line[2:].strip()
        if colon != ":":
            continue
        if kind == "P":
            if block is not None:
                yield block
            count += 1
            if count > _MAX_DEVICES:
                raise unreadable(f"the dump has more than {_MAX_DEVICES} devices")
            block = _Block(rest)
        elif block is not None:
            _add_line(block, kind, rest)
    if block is not None:
        yield block


def _add_line(block: _Block, kind: str, rest: str) -> None:
    name, _, value = rest.partition("=")
    if kind == "A":
        block.text[name] = _ESCAPE.sub(lambda found: "\n" if found[1] == "n" else found[1], value).strip()
    elif kind == "H":
        block.binary[name] = value
    elif kind == "N" and name.startswith("bus/usb/"):
        block.node = value


def _device(block: _Block) -> Evidence:
    evidence = Evidence(block.path.rpartition("/")[2])
    sysfs.add_descriptors(evidence, _bytes(evidence, block.binary.get("descriptors") or block.node))
    evidence.speed = sysfs.SPEEDS.get(block.text.get("speed", ""), Speed.UNKNOWN)
    sysfs.add_strings(evidence, block.text)
    evidence.bos = _bytes(evidence, block.binary.get("bos_descriptors", ""))
    return evidence


def _add_child(found: dict[str, Evidence], block: _Block) -> None:
    """An interface (``.../1-2/1-2:1.0``), or a HID device below one (``.../1-2:1.0/0003:...``)."""
    parent, _, name = block.path.rpartition("/")
    if (place := sysfs.interface_of(name)) and parent in found and block.text.get("interface"):
        sysfs.add_interface_string(found[parent], *place, block.text["interface"])
    device, _, interface = parent.rpartition("/")
    if "report_descriptor" in block.binary and device in found and (place := sysfs.interface_of(interface)):
        report = _bytes(found[device], block.binary["report_descriptor"])
        sysfs.add_report_descriptor(found[device], place[1], report)


def _bytes(evidence: Evidence, digits: str) -> bytes:
    try:
        return bytes.fromhex(digits)
    except ValueError as error:
        raise unreadable(f"{evidence.name}: {error}") from error
