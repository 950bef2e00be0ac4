"""Turnstile: mutual exclusion, order of arrival, and no lost wake-up under load."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator

import pytest

from wslusb.turnstile import Turnstile


@pytest.fixture
def rude_switching() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_one_at_a_time_and_nobody_is_left_waiting(rude_switching: None) -> None:
    turnstile, inside, most, total = Turnstile(), [0], [0], [0]

    def work() -> None:
        for _ in range(2000):
            with turnstile:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                total[0] += 1
                inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    assert (most[0], total[0]) == (1, 12_000)
    assert not turnstile.busy


def test_order_of_arrival() -> None:
    turnstile, order = Turnstile(), list[int]()

    def work(number: int) -> None:
        with turnstile:
            order.append(number)

    threads = []
    with turnstile:
        for number in range(5):
            threads.append(threading.Thread(target=work, args=(number,)))
            threads[-1].start()
            while len(turnstile._line) < number + 2:
                pass
    for thread in threads:
        thread.join(10)
    assert order == [0, 1, 2, 3, 4]


def test_an_exception_inside_leaves_it_free() -> None:
    turnstile = Turnstile()
    with pytest.raises(KeyError), turnstile:
        raise KeyError
    assert not turnstile.busy


def test_wait_free_gives_up() -> None:
    turnstile = Turnstile()
    with turnstile:
        assert not turnstile.wait_free(0.01)
    assert turnstile.wait_free(0.01)


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """SIGINT raises KeyboardInterrupt, also where whoever runs the tests in the background has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_while_waiting_leaves_nobody_locked_out(ctrl_c: None) -> None:
    turnstile, order = Turnstile(), list[str]()
    inside, leave = threading.Event(), threading.Event()

    def holder() -> None:
        with turnstile:
            inside.set()
            leave.wait(10)

    def later() -> None:
        with turnstile:
            order.append("later")

    def interrupt() -> None:
        while len(turnstile._line) < 3:
            pass
        signal.raise_signal(signal.SIGINT)
        leave.set()

    threads = [threading.Thread(target=holder)]
    threads[0].start()
    inside.wait(10)
    threads.append(threading.Thread(target=lambda: (_until(turnstile, 2), later())))
    threads.append(threading.Thread(target=interrupt))
    for thread in threads[1:]:
        thread.start()
    with pytest.raises(KeyboardInterrupt), turnstile:
        order.append("never")
    for thread in threads:
        thread.join(10)
    assert order == ["later"]
    assert not turnstile.busy


def _until(turnstile: Turnstile, length: int) -> None:
    while len(turnstile._line) < length:
        pass
