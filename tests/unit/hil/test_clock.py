"""hil.places.clock: how far a machine's clock is from this one's."""

from __future__ import annotations

import time
from typing import Any, cast

import pytest

from hil.places import clock
from hil.vm.remote import Result

AHEAD = 5.0


class Clocks:
    """This machine's and one of a place, which is ahead. ``jumps``: what this one's is set by during a round trip."""

    def __init__(self, jumps: dict[int, float]) -> None:
        self.real, self.set_by, self.asked, self.jumps = 1000.0, 0.0, 0, jumps

    def time(self) -> float:
        return self.real + self.set_by

    def monotonic(self) -> float:
        return self.real

    def run(self, *_command: object, **_words: object) -> Result:
        self.real += 0.01
        there = self.real + AHEAD
        self.set_by += self.jumps.get(self.asked, 0.0)
        self.real += 0.01
        self.asked += 1
        return Result("date", 0, f"{there}\n", "", "", 0.02)


@pytest.mark.parametrize("jumps", [{}, {1: 3600.0, 4: -3600.0}, {1: -0.5, 2: 0.5}])
def test_a_clock_that_is_set_meanwhile_does_not_count(monkeypatch: pytest.MonkeyPatch, jumps: dict[int, float]) -> None:
    clocks = Clocks(jumps)
    monkeypatch.setattr(time, "time", clocks.time)
    monkeypatch.setattr(time, "monotonic", clocks.monotonic)
    found = clock.offset(cast("Any", clocks))
    assert found.uncertainty == pytest.approx(0.01)
    assert found.seconds == pytest.approx(AHEAD)
