"""The USB/IP dialect of ``vhci_hcd``: what it writes into the socket that it was given, and what it reads from it.

Big-endian, a header of 48 bytes (drivers/usb/usbip/usbip_common.h; Documentation/usb/usbip_protocol.rst). Only the four
commands after the import are spoken here: the import itself is done with our own protocol and a sysfs file.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import LocalError, LocalReason
from ..usb.ids import DIR_IN, TransferType
from ..usb.setup import Setup
from ..usb.urb import Buffer, Completion, IsoResult, Status, Urb, UrbFlag, to_errno
from . import limits
from .buffer import BUFFER_SIZE, ReceiveBuffer

__all__ = ["ECONNRESET", "HEADER_SIZE", "Submit", "SubmitBuffer", "Unlink", "pack_ret_submit", "pack_ret_unlink"]

HEADER_SIZE = 48
ECONNRESET = -104
"""What RET_UNLINK says of a URB that the unlink has stopped, as Linux numbers it."""
CMD_SUBMIT, CMD_UNLINK, RET_SUBMIT, RET_UNLINK = 1, 2, 3, 4

_SUBMIT = struct.Struct(">IIIII IIiii8s")
_UNLINK = struct.Struct(">IIIII I24x")
_RET_SUBMIT = struct.Struct(">IIIII iiiii8x")
_RET_UNLINK = struct.Struct(">IIIII i24x")
_ISO = struct.Struct(">IIIi")

# Bits of transfer_flags (include/linux/usb.h).
_SHORT_NOT_OK, _ISO_ASAP, _ZERO_PACKET = 0x0001, 0x0002, 0x0040
# Plain numbers: an operation on an IntFlag takes a microsecond.
_OUR_SHORT_OK, _OUR_ISO_ASAP = int(UrbFlag.SHORT_OK), int(UrbFlag.ISO_ASAP)
_OUR_ZERO_PACKET = int(UrbFlag.ZERO_PACKET)


@dataclass(slots=True, eq=False)
class Submit:
    """CMD_SUBMIT. ``offsets`` are where the isochronous packets lie in the kernel's buffer, which may have gaps."""

    sequence: int
    urb: Urb
    offsets: tuple[int, ...] = ()


@dataclass(slots=True)
class Unlink:
    """CMD_UNLINK: give back the URB with sequence number ``target``."""

    sequence: int
    target: int


def _broken(message: str) -> LocalError:
    # The other end is this machine's own kernel.
    return LocalError(LocalReason.BAD_STATE, f"vhci_hcd wrote {message}")


class SubmitBuffer(ReceiveBuffer):
    """Cuts what vhci_hcd writes into commands, as :class:`wslusb.wire.frame.FrameBuffer` does for our own frames.

    CMD_SUBMIT does not say the transfer type: ``transfers`` maps an endpoint address to it and is kept up to date by
    the owner. OUT data are views of the buffer, valid until the next call of :meth:`writable`.
    """

    __slots__ = ("transfers",)

    def __init__(self, *, size: int = BUFFER_SIZE) -> None:
        super().__init__(size)
        self.transfers: dict[int, int] = {}

    def next(self) -> Submit | Unlink | None:
        """The next whole command, or None."""
        have, start = self._end - self._start, self._start
        if have < HEADER_SIZE:
            return None
        (command, sequence, _devid, direction, number, flags, length, start_frame, count, interval, packed) = (
            _SUBMIT.unpack_from(self._data, start)
        )
        if command == CMD_UNLINK:
            self._start = start + HEADER_SIZE
            return Unlink(sequence, flags)
        if command != CMD_SUBMIT or direction > 1 or number > 15 or count > limits.ISO_PACKETS or length > 0x7FFFFFFF:
            raise _broken(f"command {command} for endpoint {number}, {length} bytes, {count} packets")
        count = max(count, 0)
        data_size = 0 if direction else length
        size = HEADER_SIZE + data_size + 16 * count
        if have < size:
            self._expect(size)
            return None
        self._start = start + size
        endpoint = number | (DIR_IN if direction else 0)
        setup = Setup.unpack(packed) if number == 0 else None
        table = self._iso(start + HEADER_SIZE + data_size, count) if count else ()
        transfer = self._transfer(endpoint, number, count)
        data = self._view[start + HEADER_SIZE : start + HEADER_SIZE + data_size]
        lengths = tuple(entry[1] for entry in table)
        urb = Urb(sequence, endpoint, transfer, length, _urb_flags(flags, direction), data, setup)
        urb.interval, urb.start_frame = interval & 0xFFFFFFFF, start_frame & 0xFFFFFFFF
        offsets: tuple[int, ...] = ()
        if count:
            offsets = tuple(entry[0] for entry in table)
            _repack(urb, offsets, lengths)
        return Submit(sequence, urb, offsets)

    def _transfer(self, endpoint: int, number: int, count: int) -> int:
        if number == 0:
            return TransferType.CONTROL
        if count:
            return TransferType.ISOCHRONOUS
        return self.transfers.get(endpoint, TransferType.BULK)

    def _iso(self, offset: int, count: int) -> list[tuple[int, int, int, int]]:
        return list(_ISO.iter_unpack(self._view[offset : offset + 16 * count]))


def _urb_flags(flags: int, direction: int) -> int:
    """Linux' transfer_flags in the words of the wire: SHORT_NOT_OK is the absence of SHORT_OK."""
    result = 0
    if direction and not flags & _SHORT_NOT_OK:
        result |= _OUR_SHORT_OK
    if flags & _ISO_ASAP:
        result |= _OUR_ISO_ASAP
    if flags & _ZERO_PACKET and not direction:
        result |= _OUR_ZERO_PACKET
    return result


def _repack(urb: Urb, offsets: tuple[int, ...], lengths: tuple[int, ...]) -> None:
    """Make the packets lie back to back: usbfs and our protocol know no gaps, Linux' drivers may leave some."""
    total = urb.length
    for offset, length in zip(offsets, lengths, strict=True):
        if length > limits.PACKET_LENGTH or offset + length > total:
            raise _broken(f"an isochronous packet of {length} bytes at {offset} of {total}")
    urb.iso_lengths = lengths
    urb.length = sum(lengths)
    if not urb.is_in and urb.length != total:
        data = memoryview(urb.data)
        urb.data = b"".join(data[offset : offset + length] for offset, length in zip(offsets, lengths, strict=True))


def pack_ret_submit(submit: Submit, completion: Completion) -> list[Buffer]:
    """RET_SUBMIT, as buffers to be sent in one write: header, IN data, isochronous descriptors.

    The kernel trusts what it reads here (design note "vhci trusts its peer" in docs/architecture.md): everything in it
    is derived from the request or bounded by it, and an answer that does not fit its request becomes -EPROTO with no
    data. Isochronous data go back to back, the descriptors say where they belong (usbip_pad_iso in usbip_common.c).
    """
    urb = submit.urb
    lengths = urb.iso_lengths
    status, actual, data = to_errno(completion.status), completion.actual_length, completion.data
    iso: Sequence[IsoResult] = completion.iso
    if lengths and not iso and not actual:
        iso = [IsoResult(completion.status, 0)] * len(lengths)
    if not _sound(urb, completion, iso):
        status, actual, data = to_errno(Status.PROTOCOL), 0, b""
        iso = [IsoResult(Status.PROTOCOL, 0)] * len(lengths)
    head = _RET_SUBMIT.pack(
        RET_SUBMIT, submit.sequence, 0, 0, 0, status, actual, completion.start_frame & 0x7FFFFFFF,
        len(lengths), max(0, min(completion.error_count, len(lengths))),
    )  # fmt: skip
    buffers: list[Buffer] = [head]
    if data:
        buffers.append(data)
    if lengths:
        table = zip(submit.offsets, lengths, iso, strict=True)
        buffers.append(b"".join(_ISO.pack(at, size, r.actual_length, to_errno(r.status)) for at, size, r in table))
    return buffers


def _sound(urb: Urb, completion: Completion, iso: Sequence[IsoResult]) -> bool:
    """Whether an answer is one that a host controller could give."""
    actual = completion.actual_length
    if not 0 <= actual <= urb.length or len(completion.data) != (actual if urb.is_in else 0):
        return False
    if not urb.iso_lengths:
        # No host controller calls an OUT transfer a success that has not moved all of it.
        lost = urb.setup is None and not urb.is_in and actual < urb.length and not completion.status
        return not iso and not lost
    return (
        len(iso) == len(urb.iso_lengths)
        and all(0 <= result.actual_length <= asked for result, asked in zip(iso, urb.iso_lengths, strict=True))
        and sum(result.actual_length for result in iso) == actual
    )


def pack_ret_unlink(sequence: int, status: int) -> bytes:
    """RET_UNLINK with a negative errno: -ECONNRESET if the URB was unlinked, 0 if it had been given back before."""
    return _RET_UNLINK.pack(RET_UNLINK, sequence, 0, 0, 0, status)
