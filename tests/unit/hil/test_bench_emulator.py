"""hil.bench.pacing and hil.bench.emulator: what they make of times and frames, and of a package that is missing."""

from __future__ import annotations

import sys

import pytest

from hil.bench.emulator import emulator_bench
from hil.bench.pacing import pacing_measures, timing
from hil.errors import RigError


def test_a_perfect_stream_has_no_drift_and_loses_nothing() -> None:
    found = timing([5 + number * 0.001 for number in range(4000)], [number % 2048 for number in range(4000)])
    assert {name: round(value, 3) for name, (_, value) in found.items()} == {
        "drift": 0, "late, median": 0, "late, 99 %": 0, "late, 99.9 %": 0, "late, most": 0, "slots lost": 0,
    }  # fmt: skip


def test_a_slow_clock_and_lost_slots_are_told() -> None:
    found = timing([number * 0.001 * 1.0001 for number in range(4000)], [0, 1, 4, *range(5, 4002)])
    assert found["drift"][1] == pytest.approx(100, rel=0.01)
    assert found["slots lost"][1] == 2


def test_a_late_wake_up_is_no_drift() -> None:
    times = [number * 0.001 for number in range(4000)]
    times[3990] += 0.005
    found = timing(times, [number % 2048 for number in range(4000)])
    assert (round(found["drift"][1], 3), round(found["late, 99.9 %"][1]), round(found["late, most"][1])) == (0, 0, 5000)


def test_streams_are_measured() -> None:
    measures = {each.name: each.median("wslusb") for each in pacing_measures(0.1, lambda _line: None)}
    assert len(measures) == 12
    assert measures["packets every 125 us, high speed: slots lost"] < 100


def test_the_other_emulator_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "usbip", None)
    with pytest.raises(RigError, match="pip install"):
        emulator_bench(1, lambda _line: None, quick=True)
