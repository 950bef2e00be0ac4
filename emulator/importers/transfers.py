"""Records of USB captures: what usbmon and USBPcap write of each control transfer.

usbmon: Linux, Documentation/usb/usbmon.rst and drivers/usb/mon (link types 189 and 220: headers of 48 and 64 bytes, in
the byte order of the machine that captured; the text form of debugfs). USBPcap: link type 249, little-endian.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from wslusb.capture.pcapfile import Packet

__all__ = ["LINK_TYPES", "Control", "Record", "controls", "from_text", "recognize", "records"]


@dataclass(slots=True)
class Record:
    """One half of a control transfer. ``key`` is the same for both; ``setup`` is of the first half alone."""

    bus: int
    device: int
    key: int
    first: bool
    good: bool
    setup: bytes
    data: bytes


@dataclass(slots=True)
class Control:
    """A control transfer that came to its end: ``good`` if it was not stalled or cancelled. ``data``: its IN bytes."""

    bus: int
    device: int
    setup: bytes
    data: bytes
    good: bool


_CONTROL = 2
_USBMON = struct.Struct("<QBBBBHbbqiiII8s")
_USBMON_BIG = struct.Struct(">QBBBBHbbqiiII8s")
_USBPCAP = struct.Struct("<HQIHBHHBBI")
_STAGE_SETUP, _STAGE_DATA, _STAGE_STATUS, _STAGE_COMPLETE = range(4)
_MAX_PENDING = 4096


def _usbmon(data: bytes, header: int) -> Record | None:
    if len(data) < header:
        return None
    # Buses are counted from 1 and are fewer than 256, which tells the byte order of the machine that captured.
    layout = _USBMON if data[12] or not data[13] else _USBMON_BIG
    key, kind, transfer, _, device, bus, no_setup, no_data, _, _, status, _, captured, setup = layout.unpack_from(data)
    if transfer != _CONTROL or kind not in b"SCE":
        return None
    first = kind == ord("S")
    payload = b"" if no_data else data[header : header + captured]
    if first:
        return Record(bus, device, key, True, True, b"" if no_setup else setup, payload)
    return Record(bus, device, key, False, kind == ord("C") and status == 0, b"", payload)


def _usbpcap(data: bytes) -> Record | None:
    if len(data) < _USBPCAP.size + 1:
        return None
    header, key, status, _, info, bus, device, _, transfer, length = _USBPCAP.unpack_from(data)
    if transfer != _CONTROL or header < _USBPCAP.size + 1 or header > len(data):
        return None
    stage, payload = data[_USBPCAP.size], data[header : header + length]
    if not info & 1:
        setup = payload[:8] if stage == _STAGE_SETUP else b""
        return Record(bus, device, key, True, True, setup, b"") if setup else None
    if stage == _STAGE_STATUS:
        return None  # what older versions write behind the data
    return Record(bus, device, key, False, status == 0, b"", payload)


LINK_TYPES: dict[int, Callable[[bytes], Record | None]] = {
    189: lambda data: _usbmon(data, 48),
    220: lambda data: _usbmon(data, 64),
    249: _usbpcap,
}


def records(packets: Iterable[Packet]) -> Iterator[Record]:
    """The control transfers among packets; everything else, and what is too short, is left out."""
    for packet in packets:
        reader = LINK_TYPES.get(packet.link_type)
        record = reader(packet.data) if reader else None
        if record is not None:
            yield record


_TEXT = re.compile(
    r"(?P<key>[0-9a-f]{1,16}) \d+ (?P<kind>[SCE]) C[io]:(?:(?P<bus>\d{1,5}):)?(?P<device>\d{1,3}):0 (?P<rest>.*)",
    re.ASCII,
)
_SETUP_TEXT = re.compile(r"s ([0-9a-f]{2}) ([0-9a-f]{2}) ([0-9a-f]{4}) ([0-9a-f]{4}) ([0-9a-f]{4}) ", re.ASCII)


_TEXT_HEAD = re.compile(r"[0-9a-f]{1,16} \d+ [SCE] [CZIB][io]:\d", re.ASCII)


def recognize(head: str) -> bool:
    """Whether a text starts with an event of usbmon."""
    return _TEXT_HEAD.match(head) is not None


def from_text(lines: Iterable[str]) -> Iterator[Record]:
    """The same from usbmon's text (``0u``, ``1u``, ``1t``), which shows 32 bytes of data at most."""
    for line in lines:
        match = _TEXT.match(line)
        if not match:
            continue
        rest, setup = match["rest"], b""
        if words := _SETUP_TEXT.match(rest + " "):
            kind, request, *numbers = (int(word, 16) for word in words.groups())
            setup = struct.pack("<BBHHH", kind, request, *numbers)
        first = match["kind"] == "S"
        good = first or rest.split(" ", 1)[0] == "0"
        digits = re.sub(r"[^0-9a-f]", "", rest.partition(" = ")[2])
        data = bytes.fromhex(digits[: len(digits) // 2 * 2])
        bus = int(match["bus"] or 0)
        yield Record(bus, int(match["device"]), int(match["key"], 16), first, good, setup, data)


def controls(found: Iterable[Record]) -> Iterator[Control]:
    """Put first and second halves together; a half that is alone is left out."""
    pending: dict[tuple[int, int, int], Record] = {}
    for record in found:
        key = (record.bus, record.device, record.key)
        if record.first:
            pending.pop(key, None)
            if len(record.setup) == 8:
                pending[key] = record
            if len(pending) > _MAX_PENDING:
                del pending[next(iter(pending))]
        elif (begun := pending.pop(key, None)) is not None:
            yield Control(record.bus, record.device, begun.setup, record.data, record.good)
