"""wslusb.device.faults.clock: the real one."""

from __future__ import annotations

import threading

import pytest

from wslusb.device.faults.clock import RealClock

SECONDS = 10.0


def test_actions_run_in_order_of_their_times_and_not_before() -> None:
    clock, done, order = RealClock(), threading.Event(), []

    def action(number: int) -> None:
        order.append((number, clock.now() >= start + number / 100))

    start = clock.now()
    clock.call_at(start + 0.03, lambda: action(3))
    clock.call_at(start + 0.04, done.set)
    clock.call_at(start + 0.01, lambda: action(1))
    clock.call_at(start - 1, lambda: action(0))
    assert done.wait(SECONDS)
    assert order == [(0, True), (1, True), (3, True)]


def test_an_action_that_fails_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    clock, done = RealClock(), threading.Event()

    def fail() -> None:
        raise ZeroDivisionError

    clock.call_at(0, fail)
    clock.call_at(0, done.set)
    assert done.wait(SECONDS)
    assert "ZeroDivisionError" in caplog.text
