"""How far a machine's clock is from this one's."""

from __future__ import annotations

import time
from dataclasses import dataclass

from hil.places.place import Place

__all__ = ["Offset", "offset"]

_ROUND_TRIPS = 5


@dataclass(slots=True, frozen=True)
class Offset:
    """Seconds that a clock is ahead, and how much that may be wrong by: half of the round trip."""

    seconds: float
    uncertainty: float


def offset(place: Place, round_trips: int = _ROUND_TRIPS) -> Offset:
    """The answer in the middle of the shortest of several round trips; one in which a clock was set here is long."""
    trips = []
    for _ in range(round_trips):
        before, started = time.time(), time.monotonic()
        there = float(place.run(["date", "+%s.%N"], timeout=20).stdout)
        after, took = time.time(), time.monotonic() - started
        trips.append((took + abs(after - before - took), there - (before + after) / 2))
    shortest, ahead = min(trips)
    return Offset(ahead, shortest / 2)
