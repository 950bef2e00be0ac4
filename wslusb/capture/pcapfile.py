"""pcap and pcapng files as a run of packets. Enough to read captures of USB; nothing here knows USB.

Either may be packed with gzip, as Wireshark reads and writes them. pcap: the file header tells byte order, link type
and whether times are micro- or nanoseconds. pcapng: blocks, of which section header, interface description, enhanced,
simple and (old) packet blocks count; others are skipped.
"""

from __future__ import annotations

import gzip
import io
import struct
import zlib
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
_GZIP_MAGIC, _SECTION_MAGIC = b"\x1f\x8b", b"\x0a\x0d\x0d\x0a"
_SECTION, _INTERFACE, _PACKET, _SIMPLE, _ENHANCED = 0x0A0D0D0A, 1, 2, 3, 6
_MAX_PACKET = 16 << 20
"""Bytes of one packet or block. USB captures have transfers of at most a few MiB."""
_MAX_FILE, _MAX_UNPACKED = 1 << 30, 256 << 20
"""Bytes of a capture, and of one that is packed: those may pack a thousand to one."""
_SECOND = 1_000_000_000
_LAST = (1 << 64) - 1
"""The last nanosecond that a capture of ours can tell, in the year 2554."""
_RESOLUTION = 9
"""Option of an interface description: what its times count."""


def unreadable(message: str) -> LocalError:
    """The error for a file that is no capture, or a damaged one."""
    return LocalError(LocalReason.BAD_DESCRIPTOR, message)


@dataclass(slots=True)
class Packet:
    """What was captured of one packet, and the link type of the interface that it came from.

    Not frozen: captures have hundreds of thousands of them, and a frozen one takes three times as long to make.
    """

    link_type: int
    data: bytes
    time: int = 0
    """Nanoseconds since 1970."""
    interface: int = 0
    """Which of the file's interfaces, counted over all its sections."""


def recognize(head: bytes) -> bool:
    """Whether a file that starts so may be one of the two formats: one that is packed is seen into by reading it."""
    return head[:4] in _PCAP_MAGIC or head[:4] == _SECTION_MAGIC or head[:2] == _GZIP_MAGIC


def packets(file: BinaryIO) -> Iterator[Packet]:
    """The packets in their order. A file that was cut off ends early; LocalError for one that is not of its format.

    A packed file has to be one that can be sought in.
    """
    magic = file.read(4)
    if magic[:2] == _GZIP_MAGIC:
        file.seek(-len(magic), io.SEEK_CUR)
        yield from _unpacked(file)
    else:
        yield from _plain(file, magic, _MAX_FILE)


def _unpacked(file: BinaryIO) -> Iterator[Packet]:
    try:
        with gzip.GzipFile(fileobj=file) as inner:
            yield from _plain(inner, inner.read(4), _MAX_UNPACKED)  # type: ignore[arg-type]
    except EOFError:
        return
    except (gzip.BadGzipFile, zlib.error) as error:
        raise unreadable(f"the packed capture is damaged: {error}") from error


def _plain(file: BinaryIO, magic: bytes, most: int) -> Iterator[Packet]:
    source = _Source(file, most)
    if magic in _PCAP_MAGIC:
        yield from _pcap(source, *_PCAP_MAGIC[magic])
    elif magic == _SECTION_MAGIC:
        yield from _pcapng(source)
    else:
        raise unreadable("neither a pcap nor a pcapng file")


class _Source:
    """A file that is read up to ``most`` bytes. ``place`` is counted here: asking the file is a system call."""

    __slots__ = ("_read", "most", "place")

    def __init__(self, file: BinaryIO, most: int) -> None:
        self._read, self.most, self.place = file.read, most, file.tell()

    def take(self, length: int) -> bytes | None:
        """That many bytes, None at the end of the file. LocalError for a length that no capture has."""
        if length > _MAX_PACKET or self.place + length > self.most:
            raise unreadable(f"a packet of {length} bytes at byte {self.place}: the capture is damaged or too large")
        data = self._read(length)
        self.place += len(data)
        return data if len(data) == length else None


def _pcap(file: _Source, order: str, unit: int) -> Iterator[Packet]:
    header = file.take(20)
    if header is None:
        return
    link_type = struct.unpack_from(order + "I", header, 16)[0] & 0x0FFFFFFF
    while (record := file.take(16)) is not None:
        seconds, fraction, length = struct.unpack_from(order + "III", record)
        data = file.take(length)
        if data is None:
            return
        yield Packet(link_type, data, seconds * _SECOND + fraction * unit)


def _pcapng(file: _Source) -> Iterator[Packet]:
    order, links, first = "<", list[tuple[int, int]](), 0
    rest = file.take(4)
    head = None if rest is None else _SECTION_MAGIC + rest
    while head is not None:
        done = len(head)
        if head[:4] == _SECTION_MAGIC:
            magic = file.take(4)
            if magic is None:
                return
            order, links, first = "<" if magic == b"\x4d\x3c\x2b\x1a" else ">", [], first + len(links)
            done += len(magic)
        kind, length = struct.unpack(order + "II", head)
        if length < done + 4 or length % 4:
            raise unreadable(f"a block of {length} bytes at byte {file.place}: the capture is damaged")
        body = file.take(length - done)
        if body is None:
            return
        yield from _block(order, kind, body[:-4], links, first)
        head = file.take(8)


def _block(order: str, kind: int, body: bytes, links: list[tuple[int, int]], first: int) -> Iterator[Packet]:
    if kind == _INTERFACE and len(body) >= 8:
        links.append((struct.unpack_from(order + "H", body)[0], _ticks(order, body[8:])))
    elif kind in (_ENHANCED, _PACKET) and len(body) >= 20:
        interface = struct.unpack_from(order + ("I" if kind == _ENHANCED else "H"), body)[0]
        high, low, captured = struct.unpack_from(order + "III", body, 4)
        if interface < len(links):
            link_type, ticks = links[interface]
            time = min((high << 32 | low) * _SECOND // ticks, _LAST)
            yield Packet(link_type, body[20 : 20 + captured], time, first + interface)
    elif kind == _SIMPLE and len(body) >= 4 and links:
        (original,) = struct.unpack_from(order + "I", body)
        yield Packet(links[0][0], body[4 : 4 + original], interface=first)


def _ticks(order: str, options: bytes) -> int:
    """How many units of an interface's times make a second: a power of ten or, with the top bit, of two."""
    while len(options) >= 4:
        code, length = struct.unpack_from(order + "HH", options)
        if code == _RESOLUTION and length == 1 and len(options) > 4:
            exponent = options[4]
            return 1 << (exponent & 0x7F) if exponent & 0x80 else 10 ** min(exponent, 18)
        options = options[4 + length + (-length % 4) :]
    return 1_000_000
