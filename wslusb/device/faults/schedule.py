"""Which URBs the faults of a plan befall: a seed, counters, and a random stream for each fault on each endpoint.

Everything is counted, and every number is drawn, for each endpoint by itself, and the order of URBs on one endpoint is
part of the Device contract. So the decisions on an endpoint depend on the seed and on the URBs of that endpoint, not
on what other endpoints do meanwhile, nor on threads. Only ``after_seconds`` brings time into it.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ...usb.info import DeviceInfo
from ...usb.urb import Urb
from .course import Course, lane_of
from .plan import Fault, Plan
from .what import What

__all__ = ["Injection", "Schedule"]


@dataclass(slots=True, frozen=True)
class Injection:
    """One fault that befalls one URB: the ``nth`` (from 1) on ``lane`` that this kind of fault can befall at all."""

    fault: str
    what: What
    lane: int
    nth: int


class Schedule:
    """The decisions for one device. It goes on over its openings; it is not locked."""

    def __init__(self, plan: Plan, seed: int, info: DeviceInfo) -> None:
        named = zip(plan.names(), plan.faults, strict=True)
        self._tracks = [_Track(name, fault, seed) for name, fault in named if fault.where.fits_device(info)]
        self._kinds = {type(track.fault.what): track.fault.what for track in self._tracks}
        self._seen: Counter[tuple[int, type[What]]] = Counter()
        self._started: float | None = None

    def __bool__(self) -> bool:
        return bool(self._tracks)

    def start(self, now: float) -> None:
        """The device is open; ``after_seconds`` counts from the first time."""
        if self._started is None:
            self._started = now

    def age(self, now: float) -> float:
        """Seconds since the start."""
        return now - (self._started or 0.0)

    def decide(self, urb: Urb, now: float, *, changing: bool = False) -> tuple[Course | None, Sequence[Injection]]:
        """What is to become of the next URB of its endpoint; None if nothing befalls it.

        Of the faults that fall on one URB, the first in the plan wins; those that only take time add to it.
        ``changing``: it is a request that is made through one of the Device's methods.
        """
        lane, age = lane_of(urb), self.age(now)
        able = self._kinds.items()
        kinds = [kind for kind, what in able if (kind.changes_state or not changing) and what.suits(urb)]
        for kind in kinds:
            self._seen[lane, kind] += 1
        course, injections, taken = Course(), [], False
        for track in self._tracks:
            what = track.decide(lane, urb, age) if type(track.fault.what) in kinds else None
            if what is None or (taken and not what.timing):
                continue
            taken = taken or not what.timing
            what.steer(course)
            injections.append(Injection(track.name, what, lane, self._seen[lane, type(what)]))
        return (course, injections) if injections else (None, ())


class _Track:
    """One fault's counters and streams."""

    def __init__(self, name: str, fault: Fault, seed: int) -> None:
        self.name = name
        self.fault = fault
        self._seed = seed
        self._counts: dict[int, _Count] = {}

    def decide(self, lane: int, urb: Urb, age: float) -> What | None:
        """The fault, settled, if it befalls this URB."""
        fault = self.fault
        if not fault.where.fits(urb):
            return None
        count = self._counts.get(lane)
        if count is None:
            # A text as a seed is hashed by SHA-512: the same on every platform and in every version of Python.
            count = self._counts[lane] = _Count(random.Random(f"{self._seed}/{self.name}/{lane:#04x}"))
        return fault.what.settled(urb, count.draw) if count.hits(fault, age) else None


class _Count:
    """One fault on one endpoint."""

    __slots__ = ("draw", "hit", "passed", "seen")

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.passed = 0
        self.seen = 0
        self.hit = 0

    def hits(self, fault: Fault, age: float) -> bool:
        when = fault.when
        self.passed += 1
        if self.passed <= when.after_urbs or age < when.after_seconds:
            return False
        self.seen += 1
        if when.nth:
            hit = self.seen in when.nth
        elif when.every:
            hit = self.seen % when.every == 0
        else:
            hit = not when.probability or self.draw.random() < when.probability
        if not hit or (when.at_most and self.hit >= when.at_most):
            return False
        self.hit += 1
        return True
