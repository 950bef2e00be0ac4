"""Both sides' captures of one URB joined: its way from the guest to the device and back, on one clock."""

from __future__ import annotations

import enum
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from wslusb.usb.ids import DIR_IN
from wslusb.usb.setup import Request

from .pieces import PIECE, first_difference
from .sides import Half
from .words import status_name, urb_name

__all__ = ["Change", "Flight", "Part", "Stage", "clock_bounds", "join"]

_NEAR = 10_000_000_000
"""Nanoseconds. Numbers begin anew with each connection: the same number this far apart is another URB."""
_LONG = 1_000_000_000
"""Nanoseconds between an answer and a cancel that do not cross."""
_RETURNED = ("CANCELLED", "GONE")


class Stage(enum.StrEnum):
    """Places that a URB passes, in order."""

    SUBMITTED = "submitted in the guest"
    SENT = "sent by the agent"
    RECEIVED = "received by the service"
    ASKED = "given to the device"
    ANSWERED = "answered by the device"
    RESPONDED = "sent by the service"
    HEARD = "received by the agent"
    COMPLETED = "completed in the guest"


class Part(enum.StrEnum):
    """Who has a URB's answer, one after the other."""

    DEVICE = "the device"
    SERVICE = "the service"
    AGENT = "the agent"
    KERNEL = "the guest's kernel"


@dataclass(slots=True, frozen=True)
class Change:
    """What is not the same at both ends of a URB's way, and between which two it was changed.

    ``carried``: it is the data, which go to the device with an OUT; a status always comes from it.
    """

    what: str
    between: tuple[Part, Part]
    carried: bool = False


@dataclass(slots=True, eq=False)
class Flight:
    """A URB; ``host`` or ``guest`` is None where that capture does not have it. ``offset``: guest's clock minus host's.

    Times are nanoseconds since 1970 by the host's clock.
    """

    host: Half | None
    guest: Half | None
    offset: int = 0

    @property
    def half(self) -> Half:
        """What is known best: the guest's view says what was asked for."""
        half = self.guest or self.host
        assert half is not None  # noqa: S101 -- one of the two there is
        return half

    @property
    def sequence(self) -> int | None:
        """Its number on the wire."""
        return next((half.sequence for half in (self.host, self.guest) if half and half.sequence is not None), None)

    @property
    def times(self) -> Mapping[Stage, int]:
        """When it was where, of what is known."""
        host, guest = self.host or Half(0, 0, 0), self.guest or Half(0, 0, 0)
        known = {
            Stage.SUBMITTED: self._by_host(guest.submitted), Stage.SENT: self._by_host(guest.requested),
            Stage.RECEIVED: host.requested, Stage.ASKED: host.submitted, Stage.ANSWERED: host.completed,
            Stage.RESPONDED: host.responded, Stage.HEARD: self._by_host(guest.responded),
            Stage.COMPLETED: self._by_host(guest.completed),
        }  # fmt: skip
        return {stage: time for stage, time in known.items() if time is not None}

    @property
    def cancelled(self) -> int | None:
        """When the guest asked for it back."""
        if self.guest is not None and self.guest.cancelled is not None:
            return self._by_host(self.guest.cancelled)
        return self.host.cancelled if self.host is not None else None

    def _by_host(self, time: int | None) -> int | None:
        return None if time is None else time - self.offset

    @property
    def first(self) -> int:
        """The first that is known of it."""
        return min(self.times.values())

    @property
    def last(self) -> int:
        """The last that is known of it."""
        return max(self.times.values())

    @property
    def name(self) -> str:
        """What was asked for."""
        half = self.half
        return urb_name(half.transfer, half.endpoint, half.length, half.request)

    @property
    def pending(self) -> bool:
        """Whether its end is missing where its beginning is known best."""
        return self.half.status is None

    def ending(self, half: Half | None) -> str:
        """How it ended for one side: ``OK, 512 bytes``; empty where that is not known."""
        return f"{status_name(half.status)}, {half.moved:,} bytes" if half and half.status is not None else ""

    @property
    def failed(self) -> bool:
        """Whether a side was told of an error that nobody asked for."""
        halves = (half for half in (self.host, self.guest) if half and half.status is not None)
        names = {status_name(half.status or 0) for half in halves}
        return bool(names - {"OK", "SHORT", *_RETURNED})

    @property
    def change(self) -> Change | None:
        """What the guest was told that the device had not said, or what came to the device that it had not been sent.

        None if they agree, or one is not known.
        """
        host, guest = self.host, self.guest
        if host is None or guest is None or host.status is None or guest.status is None:
            return None
        if {status_name(host.status), status_name(guest.status)} & {"CANCELLED", "GONE", "SHORT"}:
            return None  # who was first is a race, and whether short is an error is the host's to say
        if self.ending(host) != self.ending(guest):
            what = f"the device said {self.ending(host)}, and the guest was told {self.ending(guest)}"
            said = [(host.status, host.moved), (host.said, host.told), (guest.said, guest.told)]
            known = [(place, each) for place, each in zip(Part, said, strict=False) if each[0] is not None]
            same = [place for place, each in known if each == (host.status, host.moved)]
            return Change(what, _next(same[-1], [place for place, _ in known]))
        return self._other_bytes(host, guest)

    @property
    def unheard(self) -> str:
        """Where the guest took it back long after the device had answered: nobody had told it."""
        host, guest = self.host, self.guest
        answered, cancelled = self.times.get(Stage.ANSWERED), self.cancelled
        if host is None or guest is None or guest.status is None or answered is None or cancelled is None:
            return ""
        if host.responded is not None or status_name(host.status or 0) in _RETURNED or cancelled - answered < _LONG:
            return ""
        late = (cancelled - answered) / 1e9
        return f"the device said {self.ending(host)}, the guest never heard of it, and gave it up after {late:.1f} s"

    @property
    def kept(self) -> str:
        """Where it was taken back, and did not come for long."""
        ended, cancelled = self.times.get(Stage.ANSWERED), self.cancelled
        if ended is None or cancelled is None or ended - cancelled < _LONG:
            return ""
        return (
            f"it was cancelled, and came back only {(ended - cancelled) / 1e9:.1f} s later ({self.ending(self.host)})"
        )

    def _other_bytes(self, host: Half, guest: Half) -> Change | None:
        """The first two neighbours on the way from the device to the guest, or back, that do not have the same."""
        held = [host.data, host.carried, guest.carried, guest.data]
        known = [(part, pieces) for part, pieces in zip(Part, held, strict=True) if pieces is not None]
        request = self.half.request
        redacted = request is not None and request.request == Request.GET_DESCRIPTOR
        for (before, one), (after, other) in itertools.pairwise(known):
            at = first_difference(one, other)
            if at is None or (redacted and (before, after) == (Part.SERVICE, Part.AGENT)):
                continue  # each capture that is redacted has names of its own for serial numbers
            far = "the guest got" if self.half.endpoint & DIR_IN else "the device got"
            return Change(
                f"{far} other bytes, the first in {at:,} to {at + PIECE - 1:,}", (before, after), carried=True
            )
        return None


def _next(part: Part, known: Sequence[Part]) -> tuple[Part, Part]:
    """A part, and who has it after that, as far as is known."""
    later = known[known.index(part) + 1 :]
    return part, later[0] if later else Part.KERNEL


def join(host: Iterable[Half], guest: Iterable[Half], offset: int) -> list[Flight]:
    """The URBs of both captures in the order of their beginnings; each half is in exactly one of them."""
    by_number: dict[int, list[Half]] = {}
    flights = []
    for half in host:
        if half.sequence is None:
            flights.append(Flight(half, None, offset))
        else:
            by_number.setdefault(half.sequence, []).append(half)
    for half in guest:
        rivals = by_number.get(half.sequence, []) if half.sequence is not None else []
        nearest = min(rivals, key=lambda other: _apart(other, half, offset), default=None)
        if nearest is not None and _apart(nearest, half, offset) <= _NEAR:
            rivals.remove(nearest)
        else:
            nearest = None
        flights.append(Flight(nearest, half, offset))
    flights += [Flight(half, None, offset) for rivals in by_number.values() for half in rivals]
    return sorted(flights, key=lambda flight: flight.first)


def _apart(host: Half, guest: Half, offset: int) -> int:
    return abs(min(host.times) - (min(guest.times) - offset))


def clock_bounds(host: Sequence[Half], guest: Sequence[Half]) -> tuple[int, int] | None:
    """Between which values the guest's clock minus the host's must lie, in nanoseconds; None if captures do not tell.

    No message arrives before it was sent: each one there bounds the offset from below, each one back from above. Of
    numbers that came twice nobody knows which is which.
    """
    counts = Counter(half.sequence for half in host), Counter(half.sequence for half in guest)
    by_number = {half.sequence: half for half in host if counts[0][half.sequence] == 1}
    low, high = [], []
    for theirs in guest:
        ours = by_number.get(theirs.sequence)
        if ours is None or theirs.sequence is None or counts[1][theirs.sequence] > 1:
            continue
        if theirs.requested is not None and ours.requested is not None:
            low.append(theirs.requested - ours.requested)
        if theirs.responded is not None and ours.responded is not None:
            high.append(theirs.responded - ours.responded)
    return (max(low), min(high)) if low and high else None
