"""The kinds of faults: what each does to a URB, and its parameters.

``KINDS`` maps the name that a plan uses to the class. Randomness is drawn once, by :meth:`What.settled`, which gives
the same fault with every parameter fixed: that is what is recorded, and what a replay uses.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from ...errors import LocalError, LocalReason
from ...usb.ids import TransferType
from ...usb.urb import Status, Urb
from .course import FOR_EVER, Course, Event

__all__ = ["KINDS", "What", "wrong"]

_BITS = 1 << 32
_PACKET_ERRORS = {"crc": Status.CRC, "bit-stuff": Status.BIT_STUFF, "not-accessed": Status.ISO_NOT_ACCESSED}
_WINNERS = ("completion", "cancel", "either")


def wrong(message: str) -> LocalError:
    """The error for a plan that cannot be meant."""
    return LocalError(LocalReason.BAD_STATE, message)


class What:
    """Base of all kinds.

    ``changes_state``: also for the requests that a host makes through the Device's methods. ``timing``: it only takes
    time, and goes together with others on one URB.
    """

    kind: ClassVar[str] = ""
    changes_state: ClassVar[bool] = False
    timing: ClassVar[bool] = False

    def suits(self, urb: Urb) -> bool:
        """Whether this can happen to such a URB at all."""
        return not urb.is_iso

    def settled(self, urb: Urb, draw: random.Random) -> Self:  # noqa: ARG002
        """This fault for one URB, with nothing left to chance."""
        return self

    def steer(self, course: Course) -> None:
        """Write into the way of a URB what this does to it."""
        raise NotImplementedError


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
        return True

    def steer(self, course: Course) -> None:
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
        return True

    def steer(self, course: Course) -> None:
        _Ends.steer(self, course)
        course.become = self.become


@dataclass(slots=True, frozen=True, kw_only=True)
class Short(What):
    """IN: only ``bytes`` of what the device sends arrive, half of what was asked for without it; the rest is lost."""

    kind: ClassVar[str] = "short"

    bytes: int | None = None

    def suits(self, urb: Urb) -> bool:
        return urb.is_in and not urb.is_iso

    def settled(self, urb: Urb, draw: random.Random) -> Self:  # noqa: ARG002
        return self if self.bytes is not None else replace(self, bytes=urb.length // 2)

    def steer(self, course: Course) -> None:
        course.limit = self.bytes


@dataclass(slots=True, frozen=True, kw_only=True)
class ZeroLength(What):
    """IN: a zero-length packet arrives in place of what the device sends, which is lost."""

    kind: ClassVar[str] = "zero-length"

    def suits(self, urb: Urb) -> bool:
        return urb.is_in and not urb.is_iso

    def steer(self, course: Course) -> None:
        course.limit = 0


@dataclass(slots=True, frozen=True, kw_only=True)
class Timeout(What):
    """The URB is not answered until it is cancelled. ``reaches``: the device has done it, the answer is lost."""

    kind: ClassVar[str] = "timeout"

    reaches: bool = False

    def steer(self, course: Course) -> None:
        if self.reaches:
            course.keep, course.loses, course.limit = FOR_EVER, False, 0
        else:
            course.hold = FOR_EVER


@dataclass(slots=True, frozen=True, kw_only=True)
class Nak(What):
    """The endpoint takes and gives nothing from now on, for ``seconds``; without, until the port is reset."""

    kind: ClassVar[str] = "nak"

    seconds: float = FOR_EVER

    def steer(self, course: Course) -> None:
        course.event, course.seconds = Event.NAK, self.seconds


@dataclass(slots=True, frozen=True, kw_only=True)
class _Slow(What):
    """Parameters of what takes time: ``seconds``, and up to ``jitter`` seconds more, drawn for each URB."""

    timing: ClassVar[bool] = True

    seconds: float
    jitter: float = 0.0

    def suits(self, urb: Urb) -> bool:  # noqa: ARG002
        return True

    def settled(self, urb: Urb, draw: random.Random) -> Self:  # noqa: ARG002
        if not self.jitter:
            return self
        return replace(self, seconds=self.seconds + draw.random() * self.jitter, jitter=0.0)


@dataclass(slots=True, frozen=True, kw_only=True)
class Delay(_Slow):
    """The device gets the URB later. Cancelled until then, it has never seen it."""

    kind: ClassVar[str] = "delay"

    def steer(self, course: Course) -> None:
        course.hold += self.seconds


@dataclass(slots=True, frozen=True, kw_only=True)
class Late(_Slow):
    """The device has done it, and that is told later. A cancel until then finds it completed."""

    kind: ClassVar[str] = "late"

    def steer(self, course: Course) -> None:
        course.keep += self.seconds


@dataclass(slots=True, frozen=True, kw_only=True)
class Bandwidth(What):
    """The endpoint moves no more than ``bytes_per_second``."""

    kind: ClassVar[str] = "bandwidth"
    timing: ClassVar[bool] = True

    bytes_per_second: float

    def __post_init__(self) -> None:
        if self.bytes_per_second <= 0:
            raise wrong("bytes_per_second: must be more than 0")

    def suits(self, urb: Urb) -> bool:  # noqa: ARG002
        return True

    def steer(self, course: Course) -> None:
        course.rate = self.bytes_per_second


@dataclass(slots=True, frozen=True, kw_only=True)
class Corrupt(What):
    """One bit of the data is turned, on its way in or out. ``bit`` counts from bit 0 of byte 0, and around."""

    kind: ClassVar[str] = "corrupt"

    bit: int | None = None

    def suits(self, urb: Urb) -> bool:
        return urb.length > 0

    def settled(self, urb: Urb, draw: random.Random) -> Self:  # noqa: ARG002
        return self if self.bit is not None else replace(self, bit=draw.randrange(_BITS))

    def steer(self, course: Course) -> None:
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
        return urb.transfer == TransferType.ISOCHRONOUS

    def settled(self, urb: Urb, draw: random.Random) -> Self:
        if not self.share:
            return self
        # At least one, so that a fault that was injected is one.
        lost = [number for number in range(len(urb.iso_lengths)) if draw.random() < self.share] or [0]
        return replace(self, packets=tuple(lost), share=0.0)

    def steer(self, course: Course) -> None:
        course.packets, course.packet_status = self.packets, _PACKET_ERRORS[self.error]


@dataclass(slots=True, frozen=True, kw_only=True)
class Duplicate(What):
    """The URB is completed twice, against the contract of a Device: what its owner does then is what is tried."""

    kind: ClassVar[str] = "duplicate"

    def suits(self, urb: Urb) -> bool:  # noqa: ARG002
        return True

    def steer(self, course: Course) -> None:
        course.copies = 2


@dataclass(slots=True, frozen=True, kw_only=True)
class UnlinkRace(What):
    """The URB completes at the moment of its cancel; ``winner`` says which of the two is told."""

    kind: ClassVar[str] = "unlink-race"

    winner: str = "either"

    def __post_init__(self) -> None:
        if self.winner not in _WINNERS:
            raise wrong(f"winner: is {', '.join(_WINNERS)}, not {self.winner!r}")

    def suits(self, urb: Urb) -> bool:  # noqa: ARG002
        return True

    def settled(self, urb: Urb, draw: random.Random) -> Self:  # noqa: ARG002
        return replace(self, winner=draw.choice(_WINNERS[:2])) if self.winner == "either" else self

    def steer(self, course: Course) -> None:
        course.keep, course.loses = FOR_EVER, self.winner == "completion"


_ALL: tuple[type[What], ...] = (
    Stall, Short, ZeroLength, Babble, Crc, Protocol, BitStuff, Timeout, Delay, Late, Duplicate, Nak, Disconnect, Reset,
    Reenumerate, Bandwidth, Corrupt, IsoErrors, UnlinkRace,
)  # fmt: skip
KINDS: dict[str, type[What]] = {kind.kind: kind for kind in _ALL}
"""Every kind by its name in a plan."""
