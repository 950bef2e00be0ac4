"""A URB into libusb transfers, and finished transfers into a completion. No lock, no queue: see ``libusb_engine``."""

from __future__ import annotations

from collections.abc import Callable

from ..usb.ids import DIR_IN, TransferType
from ..usb.setup import SETUP_SIZE
from ..usb.urb import Completion, IsoResult, Status, Urb, UrbFlag
from .libusb_iso import pack_lengths, part_count, repack, results, split
from .libusb_native import TRANSFER_STATUS
from .libusb_transfer import Pool, Slot

__all__ = ["CONTROL_LIMIT", "MAX_TRANSFER", "completion", "fill", "refusal"]

MAX_TRANSFER = 8 << 20
"""Bytes of one URB."""

CONTROL_LIMIT = 4096
"""Bytes of a control data stage that libusb passes on (linux_usbfs.h, MAX_CTRL_BUFFER_LENGTH)."""

# Plain numbers: with members of an IntFlag or IntEnum, "&" and "==" cost up to a microsecond.
_BULK, _ISO, _WANTS_ZERO_PACKET = int(TransferType.BULK), int(TransferType.ISOCHRONOUS), int(UrbFlag.ZERO_PACKET)
_SHORT_OK = int(UrbFlag.SHORT_OK)
_OK, _CANCELLED = Status.OK, Status.CANCELLED
_ADD_ZERO_PACKET = 1 << 3  # LIBUSB_TRANSFER_ADD_ZERO_PACKET. SHORT_NOT_OK (1 << 0) is never set, see LibusbDevice
_LENGTH_LOW, _LENGTH_HIGH = 6, 7  # wLength in a SETUP packet


def fill(urb: Urb, pool: Pool) -> Slot | Status:
    """Take a slot and make it ready to be submitted; the status of a URB that cannot be."""
    if not 0 <= urb.length <= MAX_TRANSFER:
        return Status.NO_MEMORY
    if urb.stream:
        return Status.NOT_SUPPORTED
    try:
        return _FILL[urb.transfer](urb, pool)
    except MemoryError:
        return Status.NO_MEMORY
    except (ValueError, TypeError, LookupError, OverflowError):
        return Status.INVALID  # data of another length than announced, an unknown transfer type


def _plain(urb: Urb, pool: Pool) -> Slot:
    size, endpoint, flags = urb.length, urb.endpoint, 0
    slot = pool.take(size)
    if not endpoint & DIR_IN:
        _copy(slot, 0, urb, pool)
        if int(urb.flags) & _WANTS_ZERO_PACKET and urb.transfer == _BULK:
            flags = _ADD_ZERO_PACKET
    transfer = slot.parts[0].transfer
    transfer.endpoint = endpoint
    transfer.type = urb.transfer
    transfer.length = size
    transfer.flags = flags
    return slot


def _control(urb: Urb, pool: Pool) -> Slot | Status:
    setup, size = urb.setup, urb.length
    if setup is None or setup.length != size:
        return Status.INVALID
    if size > CONTROL_LIMIT:
        if not setup.request_type & DIR_IN:
            return Status.NOT_SUPPORTED
        size = CONTROL_LIMIT  # nearly every request for more is one that means "all there is"
    slot = pool.take(SETUP_SIZE + size)
    slot.view[:SETUP_SIZE] = setup.pack()
    slot.view[_LENGTH_LOW], slot.view[_LENGTH_HIGH] = size & 0xFF, size >> 8
    if not setup.request_type & DIR_IN:
        _copy(slot, SETUP_SIZE, urb, pool)
    transfer = slot.parts[0].transfer
    transfer.endpoint = 0
    transfer.type = TransferType.CONTROL
    transfer.length = SETUP_SIZE + size
    transfer.flags = 0
    return slot


def _iso(urb: Urb, pool: Pool) -> Slot | Status:
    lengths = urb.iso_lengths
    if not lengths or sum(lengths) > urb.length or min(lengths) < 0:
        return Status.INVALID
    slot = pool.take(urb.length, part_count(len(lengths)))
    if not urb.endpoint & DIR_IN:
        _copy(slot, 0, urb, pool)
    for part, piece in zip(slot.parts, split(lengths), strict=True):
        pack_lengths(piece.lengths, part.iso)
        transfer = part.transfer
        transfer.endpoint = urb.endpoint
        transfer.type = TransferType.ISOCHRONOUS
        transfer.buffer = slot.base + piece.offset
        transfer.length = piece.length
        transfer.num_iso_packets = len(piece.lengths)
        transfer.flags = 0
    return slot


def _copy(slot: Slot, offset: int, urb: Urb, pool: Pool) -> None:
    """The one copy that OUT data needs; ValueError where it is not ``urb.length`` bytes."""
    try:
        slot.view[offset : offset + urb.length] = urb.data
    except BaseException:
        pool.give(slot)
        raise


_FILL: dict[int, Callable[[Urb, Pool], Slot | Status]] = {
    TransferType.CONTROL: _control,
    TransferType.ISOCHRONOUS: _iso,
    TransferType.BULK: _plain,
    TransferType.INTERRUPT: _plain,
}


def refusal(urb: Urb, status: Status) -> Completion:
    """The completion of a URB that was never on the bus. An isochronous one has a result a packet all the same."""
    packets = [IsoResult(status, 0) for _ in urb.iso_lengths]
    return Completion(urb, status, 0, b"", 0, len(packets), packets)


def completion(urb: Urb, slot: Slot) -> Completion:
    """What became of a URB whose transfers are all back. The data is the slot's own memory."""
    if urb.transfer == _ISO:
        return _iso_completion(urb, slot)
    transfer = slot.parts[0].transfer
    status, actual = TRANSFER_STATUS[transfer.status], transfer.actual_length
    if status is _CANCELLED and actual == urb.length and actual:
        status = _OK  # the cancel came when every byte had been moved: it has lost, and the data must not get lost
    setup = urb.setup
    if status is _OK and actual < urb.length and not urb.flags & _SHORT_OK and urb.is_in:
        status = Status.SHORT
    if setup is None:
        return Completion(urb, status, actual, slot.view[:actual] if urb.endpoint & DIR_IN else b"")
    if actual == CONTROL_LIMIT < urb.length:
        status = Status.NOT_SUPPORTED  # there may be more than libusb can ask for
    data = slot.view[SETUP_SIZE : SETUP_SIZE + actual] if setup.request_type & DIR_IN else b""
    return Completion(urb, status, actual, data)


def _iso_completion(urb: Urb, slot: Slot) -> Completion:
    packets: list[IsoResult] = []
    status = Status.OK
    for part in slot.parts:
        packets += results(part.iso, part.transfer.num_iso_packets)
        if status is _OK:
            status = TRANSFER_STATUS[part.transfer.status]
    errors = sum(packet.status is not _OK for packet in packets)
    if urb.is_in:
        actual = repack(slot.view, urb.iso_lengths, packets)
        return Completion(urb, status, actual, slot.view[:actual], 0, errors, packets)
    return Completion(urb, status, sum(packet.actual_length for packet in packets), b"", 0, errors, packets)
