"""The bytes of a transfer, piece by piece: enough to say where two copies differ, and small enough to keep."""

from __future__ import annotations

import zlib
from array import array
from dataclasses import dataclass

from wslusb.usb.urb import Buffer

__all__ = ["PIECE", "Pieces", "first_difference"]

PIECE = 512
"""Bytes: a bulk packet at high speed."""


@dataclass(slots=True, frozen=True)
class Pieces:
    """Checksums of the pieces. ``whole``: all of the transfer was there to be read."""

    sums: array[int]
    length: int
    whole: bool = True

    @classmethod
    def of(cls, data: Buffer, length: int | None = None) -> Pieces:
        """Of the first bytes of a transfer that has ``length``, by default of all; a cut piece at the end is left."""
        size = len(data)
        whole = length is None or size >= length
        ends = range(0, size if whole else size - size % PIECE, PIECE)
        view = memoryview(data)
        return cls(array("I", (zlib.crc32(view[at : at + PIECE]) for at in ends)), size, whole)


def first_difference(one: Pieces | None, other: Pieces | None) -> int | None:
    """Where the first piece begins that is not the same, in bytes; None if all that is known of both is."""
    if one is None or other is None:
        return None
    for place, (a, b) in enumerate(zip(one.sums, other.sums, strict=False)):
        if a != b:
            return place * PIECE
    if one.whole and other.whole and one.length != other.length:
        return min(one.length, other.length) // PIECE * PIECE
    return None
