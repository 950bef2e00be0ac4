"""pcap and pcapng files as a run of packets. Enough to read captures of USB; nothing here knows USB.

pcap: the file header tells byte order, link type and whether times are micro- or nanoseconds. pcapng: blocks, of which
section header, interface description, enhanced, simple and (old) packet blocks count; others are skipped.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from ..errors import LocalError, LocalReason

__all__ = ["Packet", "packets", "recognize"]

_PCAP_MAGIC = {
    b"\xa1\xb2\xc3\xd4": (">", 1000), b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\x3c\x4d": (">", 1), b"\x4d\x3c\xb2\xa1": ("<", 1),
}  # fmt: skip
"""Byte order, and nanoseconds in the unit of a record's fraction of a second."""
_SECTION, _INTERFACE, _PACKET, _SIMPLE, _ENHANCED = 0x0A0D0D0A, 1, 2, 3, 6
_MAX_PACKET = 16 << 20
"""Bytes of one packet or block. USB captures have transfers of at most a few MiB."""
_MAX_FILE = 1 << 30
_SECOND = 1_000_000_000
_RESOLUTION = 9
"""Option of an interface description: what its times count."""


def unreadable(message: str) -> LocalError:
    """The error for a file that is no capture, or a damaged one."""
    return LocalError(LocalReason.BAD_DESCRIPTOR, message)


@dataclass(slots=True, frozen=True)
class Packet:
    """What was captured of one packet, and the link type of the interface that it came from."""

    link_type: int
    data: bytes
    time: int = 0
    """Nanoseconds since 1970."""


def recognize(head: bytes) -> bool:
    """Whether a file that starts so is one of the two formats."""
    return head[:4] in _PCAP_MAGIC or head[:4] == b"\x0a\x0d\x0d\x0a"


def packets(file: BinaryIO) -> Iterator[Packet]:
    """The packets in their order. A file that was cut off ends early; LocalError for one that is not of its format."""
    magic = file.read(4)
    if magic in _PCAP_MAGIC:
        yield from _pcap(file, *_PCAP_MAGIC[magic])
    elif magic == b"\x0a\x0d\x0d\x0a":
        yield from _pcapng(file, magic)
    else:
        raise unreadable("neither a pcap nor a pcapng file")


def _take(file: BinaryIO, length: int) -> bytes | None:
    """That many bytes, None at the end of the file. LocalError for a length that no capture has."""
    if length > _MAX_PACKET or file.tell() + length > _MAX_FILE:
        raise unreadable(f"a packet of {length} bytes at byte {file.tell()}: the capture is damaged or too large")
    data = file.read(length)
    return data if len(data) == length else None


def _pcap(file: BinaryIO, order: str, unit: int) -> Iterator[Packet]:
    header = _take(file, 20)
    if header is None:
        return
    link_type = struct.unpack_from(order + "I", header, 16)[0] & 0x0FFFFFFF
    while (record := _take(file, 16)) is not None:
        seconds, fraction, length = struct.unpack_from(order + "III", record)
        data = _take(file, length)
        if data is None:
            return
        yield Packet(link_type, data, seconds * _SECOND + fraction * unit)


def _pcapng(file: BinaryIO, kind: bytes | None) -> Iterator[Packet]:
    order, links = "<", list[tuple[int, int]]()
    while kind is not None:
        if kind == b"\x0a\x0d\x0d\x0a":
            lead = _take(file, 8)
            if lead is None:
                return
            order, links = "<" if lead[4:] == b"\x4d\x3c\x2b\x1a" else ">", []
            length, done = struct.unpack_from(order + "I", lead)[0], 12
        else:
            lead = _take(file, 4)
            if lead is None:
                return
            length, done = struct.unpack(order + "I", lead)[0], 8
        if length < done + 4 or length % 4:
            raise unreadable(f"a block of {length} bytes at byte {file.tell()}: the capture is damaged")
        body = _take(file, length - done)
        if body is None:
            return
        yield from _block(order, struct.unpack(order + "I", kind)[0], body[:-4], links)
        kind = _take(file, 4)


def _block(order: str, kind: int, body: bytes, links: list[tuple[int, int]]) -> Iterator[Packet]:
    if kind == _INTERFACE and len(body) >= 8:
        links.append((struct.unpack_from(order + "H", body)[0], _ticks(order, body[8:])))
    elif kind in (_ENHANCED, _PACKET) and len(body) >= 20:
        interface = struct.unpack_from(order + ("I" if kind == _ENHANCED else "H"), body)[0]
        high, low, captured = struct.unpack_from(order + "III", body, 4)
        if interface < len(links):
            link_type, ticks = links[interface]
            yield Packet(link_type, body[20 : 20 + captured], (high << 32 | low) * _SECOND // ticks)
    elif kind == _SIMPLE and len(body) >= 4 and links:
        (original,) = struct.unpack_from(order + "I", body)
        yield Packet(links[0][0], body[4 : 4 + original])


def _ticks(order: str, options: bytes) -> int:
    """How many units of an interface's times make a second: a power of ten or, with the top bit, of two."""
    while len(options) >= 4:
        code, length = struct.unpack_from(order + "HH", options)
        if code == _RESOLUTION and length == 1 and len(options) > 4:
            exponent = options[4]
            return 1 << (exponent & 0x7F) if exponent & 0x80 else 10 ** min(exponent, 18)
        options = options[4 + length + (-length % 4) :]
    return 1_000_000
