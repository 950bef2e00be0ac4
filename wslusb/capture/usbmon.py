"""URBs as the records of Linux' usbmon, with its header of 64 bytes (drivers/usb/mon/mon_bin.c, ``mon_bin_hdr``).

That is what Wireshark decodes as USB down to the class. A URB is two records: S when it is submitted, C when it has
completed. Statuses are Linux' negative errnos; -EINPROGRESS stands in an S. What is filled in is what the kernel fills
in: intervals of interrupt and isochronous URBs alone, -EXDEV for packets that are yet to come (drivers/usb/core/urb.c),
packets where they lie in the buffer of the URB. tests/kernel/devices/test_capture_beside_usbmon.py compares the two.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from ..usb.ids import DIR_IN, TransferType
from ..usb.urb import Buffer, Completion, Status, Urb, UrbFlag, to_errno
from .record import IsoPacket, Record

__all__ = ["Place", "completed", "read", "submitted"]

_HEADER = struct.Struct("<QBBBBHBBqiiII8siiII")
_SHORT_SIZE = 48
"""Link type 189 has the header without its last four fields."""
_ISO = struct.Struct("<iIII")
_ISO_NUMBERS = struct.Struct("<ii")
_IN_PROGRESS, _NOT_YET = -115, -18
_KILLED = -2
"""-ENOENT: usb_kill_urb(), which is how usbfs discards and most drivers stop. USB/IP does not tell it from
usb_unlink_urb(), whose URBs end with -ECONNRESET."""
_PRESENT, _NO_SETUP, _NO_IN_YET, _NO_OUT_AGAIN = 0, ord("-"), ord("<"), ord(">")
"""What stands where data or a SETUP packet may be: it is there, or why not."""
_MAX_PACKETS = 1024
_TYPES = {TransferType.ISOCHRONOUS: 0, TransferType.INTERRUPT: 1, TransferType.CONTROL: 2, TransferType.BULK: 3}
_NUMBERS = {int(kind): number for kind, number in _TYPES.items()}
_KINDS = {number: kind for kind, number in _TYPES.items()}
_SHORT_NOT_OK, _ISO_ASAP, _ZERO_PACKET, _DIR_IN = 0x0001, 0x0002, 0x0040, 0x0200
"""Flags of a ``struct urb`` (include/linux/usb.h)."""
_URB_SHORT_OK, _URB_ISO_ASAP = int(UrbFlag.SHORT_OK), int(UrbFlag.ISO_ASAP)
_URB_ZERO_PACKET = int(UrbFlag.ZERO_PACKET)
_CANCELLED, _INTERRUPT = int(Status.CANCELLED), int(TransferType.INTERRUPT)

Place = tuple[int, int]
"""Number of the bus and of the device on it, as ``lsusb`` shows them."""


def submitted(urb: Urb, place: Place, nanoseconds: int) -> list[Buffer]:
    """The S record, in parts: header, packet table, data."""
    setup = urb.setup.pack() if urb.setup is not None else b""
    table = _table(urb, [(_NOT_YET, length) for length in urb.iso_lengths]) if urb.is_iso else b""
    is_in = _is_in(urb)
    data: Buffer = b"" if is_in else urb.data
    mark = _NO_IN_YET if is_in else _PRESENT
    head = _header(
        urb, "S", place, nanoseconds, _IN_PROGRESS, urb.length, len(table) + len(data), mark, setup, urb.start_frame, 0
    )
    return [head, table, data]


def completed(completion: Completion, place: Place, nanoseconds: int) -> list[Buffer]:
    """The C record, in parts."""
    urb, is_in = completion.urb, _is_in(completion.urb)
    table, data = b"", completion.data if is_in else b""
    if urb.is_iso:
        packets = [(_errno(result.status), result.actual_length) for result in completion.iso]
        table = _table(urb, packets + [(_NOT_YET, 0)] * (len(urb.iso_lengths) - len(packets)))
        data = _spread(completion) if is_in else b""
    mark = _PRESENT if is_in else _NO_OUT_AGAIN
    # A short read that was not wanted is told as -EREMOTEIO, as Linux does with URB_SHORT_NOT_OK.
    head = _header(
        urb, "C", place, nanoseconds, _errno(completion.status), completion.actual_length, len(table) + len(data),
        mark, b"", completion.start_frame, completion.error_count,
    )  # fmt: skip
    return [head, table, data]


def _errno(status: int) -> int:
    return _KILLED if status == _CANCELLED else to_errno(status)


def _is_in(urb: Urb) -> bool:
    """Linux takes a request without data for one that goes out, whatever its SETUP packet says (core/urb.c)."""
    return urb.is_in and (urb.setup is None or urb.length > 0)


def _table(urb: Urb, packets: Sequence[tuple[int, int]]) -> bytes:
    """``packets``: status and length. Each lies where there was room for it."""
    parts, offset = [], 0
    for (status, length), room in zip(packets, urb.iso_lengths, strict=False):
        parts.append(_ISO.pack(status, offset, length, 0))
        offset += room
    return b"".join(parts)


def _spread(completion: Completion) -> Buffer:
    """The packets, back to back as they came, where they lie in the buffer, up to the end of the last one."""
    if completion.actual_length == completion.urb.length:
        return completion.data
    parts: list[Buffer] = []
    at, gap, data = 0, 0, memoryview(completion.data)
    for packet, room in zip(completion.iso, completion.urb.iso_lengths, strict=False):
        length = packet.actual_length
        if length:
            parts += [bytes(gap), data[at : at + length]]
            at, gap = at + length, 0
        gap += room - length
    return b"".join(parts)


def _header(
    urb: Urb, kind: str, place: Place, nanoseconds: int, status: int, length: int, captured: int, mark: int,
    setup: bytes, start_frame: int, errors: int,
) -> bytes:  # fmt: skip
    count, is_iso = len(urb.iso_lengths), urb.is_iso
    union = _ISO_NUMBERS.pack(errors, count) if is_iso else setup
    interval = urb.interval if is_iso or urb.transfer == _INTERRUPT else 0
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    endpoint = urb.endpoint & 0x7F | (DIR_IN if _is_in(urb) else 0)
    return _HEADER.pack(
        urb.sequence, ord(kind), _NUMBERS[urb.transfer], endpoint, place[1], place[0],
        _PRESENT if setup else _NO_SETUP, mark, seconds, rest // 1000, status, length,
        captured, union, _signed(interval), _signed(start_frame) if is_iso else 0, _flags(urb), count,
    )  # fmt: skip


def _signed(number: int) -> int:
    """32 bits that a guest chose freely, as the ``int`` that they are in the kernel."""
    return (number & 0xFFFFFFFF ^ 0x80000000) - 0x80000000


def _flags(urb: Urb) -> int:
    # A plain number: an operation on an IntFlag takes a microsecond.
    asked, flags = int(urb.flags), _DIR_IN if _is_in(urb) else 0
    if flags and not asked & _URB_SHORT_OK and not urb.is_iso:
        flags |= _SHORT_NOT_OK
    if asked & _URB_ISO_ASAP:
        flags |= _ISO_ASAP
    if asked & _URB_ZERO_PACKET:
        flags |= _ZERO_PACKET
    return flags


def read(data: Buffer, *, short: bool = False) -> Record | None:
    """A record of link type 220, or of 189 (``short``); None for what is not one. Both byte orders are understood."""
    size = _SHORT_SIZE if short else _HEADER.size
    if len(data) < size:
        return None
    # Buses are counted from 1 and are fewer than 256, which tells the byte order of the machine that captured.
    order = "<" if data[12] or not data[13] else ">"
    head = struct.unpack_from(order + "QBBBBHBBqiiII8siiII", bytes(data[:size]).ljust(_HEADER.size, b"\0"))
    key, kind, transfer, endpoint, device, bus, no_setup, no_data, seconds, microseconds, status = head[:11]
    length, captured, union, interval, start_frame, flags, count = head[11:]
    if kind not in b"SCE" or transfer not in _KINDS:
        return None
    table, errors = struct.Struct(order + "iIII"), 0
    packets: tuple[IsoPacket, ...] = ()
    if transfer == 0:
        errors, present = struct.unpack(order + "ii", union)
        count = min(count if not short else max(present, 0), _MAX_PACKETS, (len(data) - size) // table.size)
        packets = tuple(IsoPacket(*table.unpack_from(data, size + i * table.size)[:3]) for i in range(count))
        size += count * table.size
        captured = max(captured - count * table.size, 0)
    return Record(
        seconds * 1_000_000_000 + microseconds * 1000, chr(kind), key, bus, device, _KINDS[transfer], endpoint, status,
        length, b"" if no_data else bytes(data[size : size + captured]),
        b"" if no_setup or kind != ord("S") or transfer != 2 else union,
        packets, interval, start_frame, flags, errors,
    )  # fmt: skip
