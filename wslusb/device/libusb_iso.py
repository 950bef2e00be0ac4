"""Isochronous arithmetic: a request is split at usbfs's 128 packets, and its answer put together again.

Packets lie back to back in the request's buffer, each with the room that was asked for. In an answer they lie back to
back with what really came (docs/protocol.md), so IN data has to be moved together: in place, towards the front.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..usb.urb import IsoResult, Status
from .libusb_native import TRANSFER_STATUS
from .libusb_transfer import ISO_PACKETS

__all__ = ["Piece", "pack_lengths", "part_count", "repack", "results", "split"]

# struct libusb_iso_packet_descriptor: unsigned length, unsigned actual_length, enum status. The memory of a transfer's
# is seen as numbers of which each third is of one kind: 128 packets take a few microseconds like that.
_FIELDS = 3
_LENGTH, _ACTUAL, _STATUS = range(_FIELDS)


@dataclass(slots=True)
class Piece:
    """What one usbfs URB carries: the packets from number ``first`` on, at ``offset`` bytes in the buffer."""

    first: int
    offset: int
    length: int
    lengths: Sequence[int]


_OK = Status.OK


def part_count(packets: int) -> int:
    """How many usbfs URBs ``packets`` need."""
    return -(-packets // ISO_PACKETS)


def split(lengths: Sequence[int]) -> Iterator[Piece]:
    """Cut a request at each 128 packets."""
    offset = 0
    for first in range(0, len(lengths), ISO_PACKETS):
        cut = lengths[first : first + ISO_PACKETS]
        total = sum(cut)
        yield Piece(first, offset, total, cut)
        offset += total


def pack_lengths(lengths: Sequence[int], memory: memoryview) -> None:
    """Write the lengths into the packet descriptors of one transfer (a view of format "I")."""
    memory[_LENGTH : len(lengths) * _FIELDS : _FIELDS] = array("I", lengths)


def results(memory: memoryview, count: int) -> list[IsoResult]:
    """Read ``count`` packet descriptors of a finished transfer."""
    end = count * _FIELDS
    actual, codes = memory[_ACTUAL:end:_FIELDS].tolist(), memory[_STATUS:end:_FIELDS].tolist()
    if not any(codes):
        return [IsoResult(_OK, length) for length in actual]
    return [IsoResult(_status(code), length) for length, code in zip(actual, codes, strict=True)]


def _status(code: int) -> Status:
    return TRANSFER_STATUS[code] if 0 <= code < len(TRANSFER_STATUS) else Status.FAILED


def repack(buffer: memoryview, lengths: Sequence[int], packets: Sequence[IsoResult]) -> int:
    """Move IN packets together in ``buffer``, each from its place to the end of the one before. Bytes in all."""
    source = target = 0
    for length, packet in zip(lengths, packets, strict=True):
        actual = packet.actual_length
        if actual and source != target:
            buffer[target : target + actual] = buffer[source : source + actual]
        source += length
        target += actual
    return target
