"""Faults in what a URB brings: too little, or something else."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from ...usb.ids import TransferType
from ...usb.urb import Status, Urb
from .course import Course
from .what import What, wrong

__all__ = ["Corrupt", "IsoErrors", "Short", "ZeroLength"]

_BITS = 1 << 32
_PACKET_ERRORS = {"crc": Status.CRC, "bit-stuff": Status.BIT_STUFF, "not-accessed": Status.ISO_NOT_ACCESSED}


@dataclass(slots=True, frozen=True, kw_only=True)
class Short(What):
    """IN: only ``bytes`` of what the device sends arrive, half of what was asked for without it; the rest is lost."""

    kind: ClassVar[str] = "short"

    bytes: int | None = None

    def suits(self, urb: Urb) -> bool:
        """IN, but not isochronous."""
        return urb.is_in and not urb.is_iso

    def settled(self, urb: Urb, draw: random.Random) -> Self:  # noqa: ARG002
        """See :class:`What`."""
        return self if self.bytes is not None else replace(self, bytes=urb.length // 2)

    def steer(self, course: Course) -> None:
        """See :class:`What`."""
        course.limit = self.bytes


@dataclass(slots=True, frozen=True, kw_only=True)
class ZeroLength(What):
    """IN: a zero-length packet arrives in place of what the device sends, which is lost."""

    kind: ClassVar[str] = "zero-length"

    def suits(self, urb: Urb) -> bool:
        """IN, but not isochronous."""
        return urb.is_in and not urb.is_iso

    def steer(self, course: Course) -> None:
        """See :class:`What`."""
        course.limit = 0


@dataclass(slots=True, frozen=True, kw_only=True)
class Corrupt(What):
    """One bit of the data is turned, on its way in or out. ``bit`` counts from bit 0 of byte 0, and around."""

    kind: ClassVar[str] = "corrupt"

    bit: int | None = None

    def suits(self, urb: Urb) -> bool:
        """Any with data."""
        return urb.length > 0

    def settled(self, urb: Urb, draw: random.Random) -> Self:  # noqa: ARG002
        """See :class:`What`."""
        return self if self.bit is not None else replace(self, bit=draw.randrange(_BITS))

    def steer(self, course: Course) -> None:
        """See :class:`What`."""
        course.bit = self.bit


@dataclass(slots=True, frozen=True, kw_only=True)
class IsoErrors(What):
    """Isochronous packets fail: those of ``packets``, or a random ``share`` (0 to 1) of them, with ``error``."""

    kind: ClassVar[str] = "iso-errors"

    packets: tuple[int, ...] = ()
    share: float = 0.0
    error: str = "crc"

    def __post_init__(self) -> None:
        if self.error not in _PACKET_ERRORS:
            raise wrong(f"error: is {', '.join(_PACKET_ERRORS)}, not {self.error!r}")
        if not self.packets and not 0 < self.share <= 1:
            raise wrong("packets: say which, or a share between 0 and 1")

    def suits(self, urb: Urb) -> bool:
        """Isochronous ones."""
        return urb.transfer == TransferType.ISOCHRONOUS

    def settled(self, urb: Urb, draw: random.Random) -> Self:
        """See :class:`What`."""
        if not self.share:
            return self
        # At least one, so that a fault that was injected is one.
        lost = [number for number in range(len(urb.iso_lengths)) if draw.random() < self.share] or [0]
        return replace(self, packets=tuple(lost), share=0.0)

    def steer(self, course: Course) -> None:
        """See :class:`What`."""
        course.packets, course.packet_status = self.packets, _PACKET_ERRORS[self.error]
