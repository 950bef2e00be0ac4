"""URBs as the packets of USBPcap, the capture driver for Windows (link type 249; its USBPcap.h has the layout).

Statuses become Linux' negative errnos. What the format does not hold is :data:`NOT_TOLD`: how many bytes an IN transfer
asked for, and how many of an OUT transfer were moved. Older versions write a control transfer in up to three packets:
a SETUP stage; a DATA stage, which for OUT is an S without a SETUP packet and belongs to the one before it; and a STATUS
stage, a C that is surplus where the data came in a C before it. Windows' drivers clear a halt with a request of its
own, which becomes the CLEAR_FEATURE that it makes of it; that they take back what an endpoint has is told by the URBs.
"""

from __future__ import annotations

import dataclasses
import struct

from ..usb.ids import DIR_IN, TransferType
from ..usb.setup import SETUP_SIZE, Request, Setup
from ..usb.urb import Buffer, to_errno
from .record import IsoPacket, Record

__all__ = ["LINK_USBPCAP", "NOT_TOLD", "payload_place", "read"]

LINK_USBPCAP = 249
NOT_TOLD = -1
"""The ``length`` of a record whose format does not say it."""

_HEADER = struct.Struct("<HQIHBHHBBI")
_TRANSFER_AT = 22
_ISO_HEADER, _ISO_PACKET = struct.Struct("<III"), struct.Struct("<III")
_KINDS = {
    0: TransferType.ISOCHRONOUS, 1: TransferType.INTERRUPT, 2: TransferType.CONTROL, 3: TransferType.BULK,
}  # fmt: skip
_SETUP_STAGE = 0
_NO_TRANSFERS, _CLEAR_STALL = (0xFE, 0xFF), 0x1E
"""Of requests that move nothing, and URB_FUNCTION_SYNC_RESET_PIPE_AND_CLEAR_STALL (usb.h)."""
_MAX_PACKETS = 1024
_ONLY_IN_WINDOWS = {0xC0000030: -32, 0xC0010000: -104, 0xC0007000: -108, 0xC0000A00: -18, 0xC0000B00: -18}
"""USBD_STATUS_ENDPOINT_HALTED, CANCELED, DEVICE_GONE, and two of isochronous packets (usb.h of the Windows DDK)."""


def read(data: Buffer, time: int = 0) -> Record | None:
    """The record in a packet; None for what is no transfer. ``time``: that of the packet, in nanoseconds since 1970."""
    if len(data) < _HEADER.size:
        return None
    header, key, status, function, info, bus, device, endpoint, transfer, length = _HEADER.unpack_from(data)
    if transfer in _NO_TRANSFERS and function == _CLEAR_STALL:
        setup = b"" if info & 1 else Setup(0x02, Request.CLEAR_FEATURE, 0, endpoint, 0).pack()
        kind = "C" if info & 1 else "S"
        return Record(time, kind, key, bus, device, TransferType.CONTROL, 0, _errno(status), 0, b"", setup)
    if transfer not in _KINDS or not _HEADER.size <= header <= len(data):
        return None
    kind = "C" if info & 1 else "S"
    payload = bytes(data[header : header + length])
    record = Record(time, kind, key, bus, device, _KINDS[transfer], endpoint, _errno(status), length, payload)
    if record.transfer == TransferType.CONTROL:
        return _control(record, bytes(data[_HEADER.size : header]))
    if record.transfer == TransferType.ISOCHRONOUS:
        _isochronous(record, bytes(data[_HEADER.size : header]))
    if record.is_in is record.first:
        record.length = NOT_TOLD
    return record


def payload_place(data: Buffer, record: Record) -> tuple[int, int]:
    """Of a packet read as ``record``: where what is known of its header ends, and where its payload starts."""
    known, header, transfer = _HEADER.size, int.from_bytes(data[:2], "little"), data[_TRANSFER_AT]
    if transfer in _NO_TRANSFERS:
        return known, len(data)
    if record.transfer == TransferType.CONTROL:
        known += 1
    elif record.transfer == TransferType.ISOCHRONOUS:
        known += _ISO_HEADER.size + _ISO_PACKET.size * len(record.iso)
    return min(known, header), header


def _errno(status: int) -> int:
    return _ONLY_IN_WINDOWS[status] if status in _ONLY_IN_WINDOWS else to_errno(status)


def _control(record: Record, more: bytes) -> Record | None:
    if not more:
        return None
    if record.first and more[0] == _SETUP_STAGE:
        if len(record.data) < SETUP_SIZE:
            return None
        setup, data = record.data[:SETUP_SIZE], record.data[SETUP_SIZE:]
        length = int.from_bytes(setup[6:8], "little")
        # There may be more behind it than wLength says, and behind a request for data.
        return dataclasses.replace(
            record, endpoint=record.endpoint & 0x7F | setup[0] & DIR_IN, setup=setup, length=length,
            data=b"" if setup[0] & DIR_IN else data[:length],
        )  # fmt: skip
    if not record.first and not record.data:
        record.length = NOT_TOLD
    return record


def _isochronous(record: Record, more: bytes) -> None:
    if len(more) < _ISO_HEADER.size:
        return
    record.start_frame, count, record.errors = _ISO_HEADER.unpack_from(more)
    count = min(count, _MAX_PACKETS, (len(more) - _ISO_HEADER.size) // _ISO_PACKET.size)
    packets = (_ISO_PACKET.unpack_from(more, _ISO_HEADER.size + i * _ISO_PACKET.size) for i in range(count))
    record.iso = tuple(IsoPacket(_errno(status), offset, length) for offset, length, status in packets)
