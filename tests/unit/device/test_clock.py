"""wslusb.device.clock: what is called when, and that a failure of one action is its own."""

from __future__ import annotations

import threading

import pytest

from wslusb.device.clock import RealClock, VirtualClock


def test_a_virtual_clock_runs_what_falls_due_in_order() -> None:
    clock, seen = VirtualClock(), list[tuple[str, float]]()

    def note(name: str) -> None:
        seen.append((name, clock.now()))

    clock.call_at(2.0, lambda: note("second"))
    clock.call_at(1.0, lambda: (note("first"), clock.call_at(clock.now() + 0.5, lambda: note("again")))[0])
    cancelled = clock.call_at(1.2, lambda: note("never"))
    cancelled.cancel()
    clock.advance(1.9)
    assert seen == [("first", 1.0), ("again", 1.5)]
    clock.advance(10)
    assert seen[2:] == [("second", 2.0)]
    assert clock.now() == 11.9


def test_what_is_past_runs_at_the_next_advance() -> None:
    clock, seen = VirtualClock(), list[float]()
    clock.advance(5)
    clock.call_at(1.0, lambda: seen.append(clock.now()))
    assert seen == []
    clock.advance(0)
    assert seen == [5.0]


def test_a_real_clock_keeps_the_order_and_calls_nothing_too_early(caplog: pytest.LogCaptureFixture) -> None:
    clock, seen, finished = RealClock(), list[int](), threading.Event()
    early = list[int]()
    now = clock.now()

    def note(number: int) -> None:
        seen.append(number)
        if clock.now() < now + number / 100:
            early.append(number)

    clock.call_at(now + 0.03, lambda: (note(3), finished.set())[0])
    clock.call_at(now + 0.02, lambda: note(2))
    clock.call_at(now + 0.01, lambda: note(1 // 0))
    clock.call_at(now - 1, lambda: note(0))
    assert finished.wait(5)
    assert (seen, early) == ([0, 2, 3], [])
    assert "an action at a later time failed" in caplog.text
    later = threading.Event()
    clock.call_at(0, later.set)
    assert later.wait(5)
