"""Blocks of a pcapng file (draft-ietf-opsawg-pcapng): sections, interfaces, packets with comments, statistics.

Little-endian, times in nanoseconds since 1970. Pure: bytes out, no file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

from ..usb.urb import Buffer

__all__ = ["LINK_USB", "LINK_VSOCK", "interface", "packet", "section", "statistics"]

LINK_USB = 220
"""LINKTYPE_USB_LINUX_MMAPPED: usbmon records with a header of 64 bytes."""
LINK_VSOCK = 271
"""LINKTYPE_VSOCK: what vsockmon gives."""

_SECTION, _INTERFACE, _STATISTICS, _ENHANCED = 0x0A0D0D0A, 1, 5, 6
_END, _COMMENT = 0, 1
_HARDWARE, _SYSTEM, _APPLICATION = 2, 3, 4
_NAME, _DESCRIPTION, _RESOLUTION = 2, 3, 9
_RECEIVED, _DROPPED = 4, 5
_NANOSECONDS = b"\x09"
_MAX_OPTION = 0xFFFF
_U32 = struct.Struct("<I")
_BLOCK = struct.Struct("<II")
_OPTION = struct.Struct("<HH")
_PACKET = struct.Struct("<IIIIIII")

Option = tuple[int, Buffer]


def _pad(length: int) -> bytes:
    return bytes(-length % 4)


def _options(options: Iterable[Option]) -> bytes:
    parts = []
    for code, value in options:
        value = bytes(value[:_MAX_OPTION])
        parts += [_OPTION.pack(code, len(value)), value, _pad(len(value))]
    return b"".join((*parts, _OPTION.pack(_END, 0))) if parts else b""


def _text(code: int, text: str) -> list[Option]:
    return [(code, text.encode("utf-8", "replace"))] if text else []


def _block(kind: int, body: bytes) -> bytes:
    length = len(body) + 12
    return b"".join((_BLOCK.pack(kind, length), body, _U32.pack(length)))


def section(comment: str = "", *, system: str = "", application: str = "") -> bytes:
    """What a file starts with."""
    options = [*_text(_COMMENT, comment), *_text(_SYSTEM, system), *_text(_APPLICATION, application)]
    return _block(_SECTION, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + _options(options))


def interface(link_type: int, name: str, description: str = "") -> bytes:
    """Where packets come from; the first one in a section is number 0."""
    options = [*_text(_NAME, name), *_text(_DESCRIPTION, description), (_RESOLUTION, _NANOSECONDS)]
    return _block(_INTERFACE, struct.pack("<HHI", link_type, 0, 0) + _options(options))


def packet(
    number: int, nanoseconds: int, parts: Sequence[Buffer], *, original: int | None = None, comment: str = ""
) -> bytes:
    """One packet of an interface. ``original``: its length where ``parts`` are only the start of it."""
    length = sum(map(len, parts))
    options = _options(_text(_COMMENT, comment)) if comment else b""
    total = _PACKET.size + length + (-length % 4) + len(options) + 4
    head = _PACKET.pack(
        _ENHANCED, total, number, nanoseconds >> 32, nanoseconds & 0xFFFFFFFF, length,
        length if original is None else original,
    )  # fmt: skip
    return b"".join((head, *parts, _pad(length), options, _U32.pack(total)))


def statistics(number: int, nanoseconds: int, received: int, dropped: int) -> bytes:
    """How many packets an interface had, and how many of them are not in the file."""
    options = _options([(_RECEIVED, received.to_bytes(8, "little")), (_DROPPED, dropped.to_bytes(8, "little"))])
    return _block(_STATISTICS, struct.pack("<III", number, nanoseconds >> 32, nanoseconds & 0xFFFFFFFF) + options)
