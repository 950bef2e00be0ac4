"""The way of a URB as it usually is: where the time goes, when nothing is wrong but that it is slow."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence

from .events import UrbLine
from .figures import median
from .flights import Flight, Stage
from .ladder import short_time

__all__ = ["slowest", "typical"]

_LEAST = 10
"""URBs of which a median says something."""


def typical(flights: Sequence[Flight]) -> UrbLine | None:
    """The kind of URB that most of these are, with medians of its times from 0 on; None of too few."""
    whole = [flight for flight in flights if len(flight.times) == len(Stage) and not flight.half.status]
    kinds = Counter(flight.name for flight in whole)
    if not kinds or kinds.most_common(1)[0][1] < _LEAST:
        return None
    name, count = kinds.most_common(1)[0]
    ways = [flight.times for flight in whole if flight.name == name]
    at, stages = 0.0, {Stage.SUBMITTED.value: 0.0}
    for before, after in itertools.pairwise(Stage):
        at += median([way[after] - way[before] for way in ways]) / 1e9
        stages[after.value] = round(at, 9)
    return UrbLine(f"median of {count} times {name}", None, stages)


def slowest(way: UrbLine) -> tuple[Stage, str]:
    """After which stage most of the time goes, and how much of all that is, in words."""
    hops = {before: way.stages[after] - way.stages[before] for before, after in itertools.pairwise(Stage)}
    stage = max(hops, key=lambda each: hops[each])
    return stage, f"a URB spends {short_time(hops[stage])} of its {short_time(sum(hops.values()))} there"
