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
    """The answer in the middle of the shortest of several round trips."""
    trips = []
    for _ in range(round_trips):
        before = time.time()
        there = float(place.run(["date", "+%s.%N"], timeout=20).stdout)
        after = time.time()
        trips.append((after - before, there - (before + after) / 2))
    shortest, ahead = min(trips)
    return Offset(ahead, shortest / 2)
