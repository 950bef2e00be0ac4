"""URBs of one endpoint that arrive in another order than they left in."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wslusb.usb.ids import TransferType

from .flights import Flight, Stage

__all__ = ["Overtaken", "overtaken"]

_BACK = (Stage.ANSWERED, Stage.RESPONDED, Stage.HEARD, Stage.COMPLETED)
_KEEPS_ORDER = (TransferType.BULK, TransferType.INTERRUPT)
"""The data of such an endpoint are a stream. What control requests bring has nothing to do with each other."""


@dataclass(slots=True, frozen=True)
class Overtaken:
    """A URB, how many of its endpoint that were behind it passed it, and after which stage and before which."""

    flight: Flight
    by: int
    between: tuple[Stage, Stage]


def overtaken(flights: Sequence[Flight]) -> Overtaken | None:
    """The first URB that others overtook on their way back; None if all kept their order.

    Only what ended well is judged: a URB that is taken back may come whenever it likes.
    """
    lanes: dict[int, list[tuple[Flight, Mapping[Stage, int]]]] = {}
    for flight in flights:
        if flight.half.transfer in _KEEPS_ORDER and not flight.half.status and flight.cancelled is None:
            lanes.setdefault(flight.half.endpoint, []).append((flight, flight.times))
    for lane, (before, after) in itertools.product(lanes.values(), itertools.pairwise(_BACK)):
        known = [(flight, times[before], times[after]) for flight, times in lane if before in times and after in times]
        known.sort(key=lambda each: each[1])
        for place, (flight, _, _) in enumerate(known):
            if passed := _passed(known, place):
                return Overtaken(flight, passed, (before, after))
    return None


def _passed(known: Sequence[tuple[Flight, int, int]], place: int) -> int:
    """How many of the next ones, which left later, arrived earlier."""
    _, left, arrived = known[place]
    end = place + 1
    while end < len(known) and known[end][1] > left and known[end][2] < arrived:
        end += 1
    return end - place - 1
