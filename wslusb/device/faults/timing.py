"""Faults in when a URB completes: late, never, twice, or at the moment of its cancel."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from ...usb.urb import Urb
from .course import FOR_EVER, Course, Event
from .what import What, wrong

__all__ = ["Bandwidth", "Delay", "Duplicate", "Late", "Nak", "Timeout", "UnlinkRace"]

_WINNERS = ("completion", "cancel", "either")


@dataclass(slots=True, frozen=True, kw_only=True)
class Timeout(What):
    """The URB is not answered until it is cancelled. ``reaches``: the device has done it, the answer is lost."""

    kind: ClassVar[str] = "timeout"

    reaches: bool = False

    def steer(self, course: Course) -> None:
        """See :class:`What`."""
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
        """See :class:`What`."""
        course.event, course.seconds = Event.NAK, self.seconds


@dataclass(slots=True, frozen=True, kw_only=True)
class _Slow(What):
    """Parameters of what takes time: ``seconds``, and up to ``jitter`` seconds more, drawn for each URB."""

    timing: ClassVar[bool] = True

    seconds: float
    jitter: float = 0.0

    def suits(self, urb: Urb) -> bool:  # noqa: ARG002
        """Any."""
        return True

    def settled(self, urb: Urb, draw: random.Random) -> Self:  # noqa: ARG002
        """See :class:`What`."""
        if not self.jitter:
            return self
        return replace(self, seconds=self.seconds + draw.random() * self.jitter, jitter=0.0)


@dataclass(slots=True, frozen=True, kw_only=True)
class Delay(_Slow):
    """The device gets the URB later. Cancelled until then, it has never seen it."""

    kind: ClassVar[str] = "delay"

    def steer(self, course: Course) -> None:
        """See :class:`What`."""
        course.hold += self.seconds


@dataclass(slots=True, frozen=True, kw_only=True)
class Late(_Slow):
    """The device has done it, and that is told later. A cancel until then finds it completed."""

    kind: ClassVar[str] = "late"

    def steer(self, course: Course) -> None:
        """See :class:`What`."""
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
        """Any."""
        return True

    def steer(self, course: Course) -> None:
        """See :class:`What`."""
        course.rate = self.bytes_per_second


@dataclass(slots=True, frozen=True, kw_only=True)
class Duplicate(What):
    """The URB is completed twice, against the contract of a Device: what its owner does then is what is tried."""

    kind: ClassVar[str] = "duplicate"

    def suits(self, urb: Urb) -> bool:  # noqa: ARG002
        """Any."""
        return True

    def steer(self, course: Course) -> None:
        """See :class:`What`."""
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
        """Any."""
        return True

    def settled(self, urb: Urb, draw: random.Random) -> Self:  # noqa: ARG002
        """See :class:`What`."""
        return replace(self, winner=draw.choice(_WINNERS[:2])) if self.winner == "either" else self

    def steer(self, course: Course) -> None:
        """See :class:`What`."""
        course.keep, course.loses = FOR_EVER, self.winner == "completion"
