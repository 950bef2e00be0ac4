"""usbmon's records as USBPcap writes them (link type 249), in the layouts of its newer and older versions."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from wslusb.capture import usbmon
from wslusb.capture.record import Record
from wslusb.usb.ids import TransferType
from wslusb.usb.urb import Status, from_errno

_HEADER = struct.Struct("<HQIHBHHBBI")
_ISO, _ISO_PACKET = struct.Struct("<III"), struct.Struct("<III")
_NUMBERS = {
    TransferType.ISOCHRONOUS: 0, TransferType.INTERRUPT: 1, TransferType.CONTROL: 2, TransferType.BULK: 3,
}  # fmt: skip
_SETUP, _DATA, _STATUS, _COMPLETE = range(4)
_CANCELED = 0xC0010000


def packet(
    transfer: int, endpoint: int, payload: bytes = b"", *, answer: bool = False, status: int = 0, more: bytes = b"",
    key: int = 7, place: tuple[int, int] = (2, 5), function: int = 8,
) -> bytes:  # fmt: skip
    """One packet. ``more``: what a header has for this type of transfer."""
    size = _HEADER.size + len(more)
    head = _HEADER.pack(size, key, status, function, answer, *place, endpoint, transfer, len(payload))
    return head + more + payload


def converted(data: bytes, *, old: bool = False) -> list[bytes]:
    """What USBPcap has of a record of link type 220. ``old``: a packet a stage, as its versions before 1.5 have it."""
    record = usbmon.read(data)
    assert record is not None
    stages = _control(record, old) if record.transfer == TransferType.CONTROL else [(_more(record), record.data)]
    status = 0 if record.first else _status(record.status)
    return [
        packet(
            _NUMBERS[record.transfer], record.endpoint, payload, answer=not record.first, status=status, more=more,
            key=record.key, place=(record.bus, record.device),
        )
        for more, payload in stages
    ]  # fmt: skip


def _status(errno: int) -> int:
    status = from_errno(errno)
    return _CANCELED if status == Status.CANCELLED else status


def _more(record: Record) -> bytes:
    if record.transfer != TransferType.ISOCHRONOUS:
        return b""
    packets = (_ISO_PACKET.pack(each.offset, each.length, _status(each.status)) for each in record.iso)
    return _ISO.pack(record.start_frame & 0xFFFFFFFF, len(record.iso), record.errors) + b"".join(packets)


def _control(record: Record, old: bool) -> Iterator[tuple[bytes, bytes]]:
    if record.first and old:
        yield bytes((_SETUP,)), record.setup
        if record.data:
            yield bytes((_DATA,)), record.data
    elif record.first:
        yield bytes((_SETUP,)), record.setup + record.data
    elif old:
        if record.data:
            yield bytes((_DATA,)), record.data
        yield bytes((_STATUS,)), b""
    else:
        yield bytes((_COMPLETE,)), record.data
