"""Faults that end a URB: an error on the bus, a halt, the device that restarts or is not there any more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ...usb.urb import Status, Urb
from .course import FOR_EVER, Course, Event
from .what import What

__all__ = ["Babble", "BitStuff", "Crc", "Disconnect", "Protocol", "Reenumerate", "Reset", "Stall"]


@dataclass(slots=True, frozen=True, kw_only=True)
class _Ends(What):
    """The URB ends with ``status``.

    ``reaches``: the device has done the transfer, and only its answer is lost. ``bytes``: so many bytes are moved
    before it ends (then the device takes part, too).
    """

    status: ClassVar[Status]
    event: ClassVar[Event | None] = None
    changes_state: ClassVar[bool] = True

    reaches: bool = False
    bytes: int | None = None

    def steer(self, course: Course) -> None:
        """See :class:`What`."""
        course.status, course.event = self.status, self.event
        course.reaches = self.reaches or self.bytes is not None
        course.limit, course.cut = self.bytes or 0, self.bytes


@dataclass(slots=True, frozen=True, kw_only=True)
class Stall(_Ends):
    """A STALL handshake. A bulk or interrupt endpoint stays halted until the host clears it (USB 2.0, 8.4.5)."""

    kind: ClassVar[str] = "stall"
    status: ClassVar[Status] = Status.STALL
    event: ClassVar[Event | None] = Event.HALT


@dataclass(slots=True, frozen=True, kw_only=True)
class Babble(_Ends):
    """IN: the device sends more than was asked for (USB 2.0, 8.7.4)."""

    kind: ClassVar[str] = "babble"
    status: ClassVar[Status] = Status.OVERRUN

    def suits(self, urb: Urb) -> bool:
        """IN, but not isochronous."""
        return urb.is_in and not urb.is_iso


@dataclass(slots=True, frozen=True, kw_only=True)
class Crc(_Ends):
    """A damaged packet, three times in a row (USB 2.0, 8.3.5)."""

    kind: ClassVar[str] = "crc"
    status: ClassVar[Status] = Status.CRC


@dataclass(slots=True, frozen=True, kw_only=True)
class Protocol(_Ends):
    """A handshake that nobody understands, or none: what a bad cable looks like."""

    kind: ClassVar[str] = "protocol"
    status: ClassVar[Status] = Status.PROTOCOL


@dataclass(slots=True, frozen=True, kw_only=True)
class BitStuff(_Ends):
    """Seven ones in a row on the wire (USB 2.0, 7.1.9)."""

    kind: ClassVar[str] = "bit-stuff"
    status: ClassVar[Status] = Status.BIT_STUFF


@dataclass(slots=True, frozen=True, kw_only=True)
class Reset(_Ends):
    """The device restarts (a brown-out, a watchdog): nobody answers until the host has reset the port."""

    kind: ClassVar[str] = "reset"
    status: ClassVar[Status] = Status.PROTOCOL
    event: ClassVar[Event | None] = Event.DEAF


@dataclass(slots=True, frozen=True, kw_only=True)
class Disconnect(_Ends):
    """The plug is pulled in the middle of the URB. It is back after ``seconds``; without, it stays away."""

    kind: ClassVar[str] = "disconnect"
    status: ClassVar[Status] = Status.GONE
    event: ClassVar[Event | None] = Event.LEAVE

    seconds: float = FOR_EVER

    def suits(self, urb: Urb) -> bool:  # noqa: ARG002
        """Any."""
        return True

    def steer(self, course: Course) -> None:
        """See :class:`What`."""
        _Ends.steer(self, course)
        course.seconds = self.seconds


@dataclass(slots=True, frozen=True, kw_only=True)
class Reenumerate(_Ends):
    """The device leaves the bus and comes back as another one. ``become`` is for its provider to understand."""

    kind: ClassVar[str] = "reenumerate"
    status: ClassVar[Status] = Status.GONE
    event: ClassVar[Event | None] = Event.LEAVE

    become: str

    def suits(self, urb: Urb) -> bool:  # noqa: ARG002
        """Any."""
        return True

    def steer(self, course: Course) -> None:
        """See :class:`What`."""
        _Ends.steer(self, course)
        course.become = self.become
