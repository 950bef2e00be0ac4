"""What a capture says of a URB: one record when it was submitted, one when it had completed.

Neutral of the file's format: ``usbmon.py`` and ``usbpcap.py`` read theirs into these.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..usb.ids import DIR_IN, TransferType

__all__ = ["IsoPacket", "Record"]


@dataclass(slots=True)
class IsoPacket:
    """One packet of an isochronous record. ``status`` is a negative errno, ``offset`` its place in the buffer."""

    status: int
    offset: int
    length: int


@dataclass(slots=True)
class Record:
    """One half of a URB's story.

    ``kind`` is ``S`` (submitted), ``C`` (completed) or ``E`` (refused); ``key`` is the same for both halves, and may
    come again later. ``endpoint`` has the direction bit, for control transfers that of the SETUP packet. ``length`` is
    what was asked for in an S and what was moved in a C, in bytes; ``data`` what was captured of that. ``status`` is
    Linux' negative errno. ``time`` is nanoseconds since 1970.
    """

    time: int
    kind: str
    key: int
    bus: int
    device: int
    transfer: TransferType
    endpoint: int
    status: int = 0
    length: int = 0
    data: bytes = b""
    setup: bytes = b""
    iso: tuple[IsoPacket, ...] = ()
    interval: int = 0
    start_frame: int = 0
    flags: int = 0
    errors: int = 0

    @property
    def is_in(self) -> bool:
        """Whether data goes to the host."""
        return self.endpoint & DIR_IN != 0

    @property
    def first(self) -> bool:
        """Whether this is the half that the host began with."""
        return self.kind == "S"
