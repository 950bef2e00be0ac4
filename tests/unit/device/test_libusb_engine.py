"""The engine's rules where hardware cannot be told to fail on cue: real transfers, and a scripted submit and cancel.

What a real kernel does with the same engine is in ``tests/kernel/libusb``.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wslusb.device.libusb_budget import Budget
from wslusb.device.libusb_engine import Engine
from wslusb.device.libusb_lane import Lane
from wslusb.device.libusb_native import load
from wslusb.errors import LocalError
from wslusb.usb.urb import Completion, Status, Urb, UrbFlag

try:
    LIBRARY: Any = load()
except LocalError:
    pytest.skip("libusb-1.0 is not installed", allow_module_level=True)

NO_DEVICE, NO_MEM, LOST_RACE = -4, -11, -5
COMPLETED, CANCELLED = 0, 3
WAIT = 10.0


class Script:
    """A ``Native`` whose libusb takes what it is told to take, and completes what it is told to complete."""

    name, handle = "1-1", None

    def __init__(self) -> None:
        self.lib = self
        self.codes: list[int] = []
        self.flying: list[Any] = []
        self.events: queue.SimpleQueue[tuple[Any, int, int] | None] = queue.SimpleQueue()

    def __getattr__(self, name: str) -> Any:
        return getattr(LIBRARY, name)

    def libusb_submit_transfer(self, pointer: Any) -> int:
        code = self.codes.pop(0) if self.codes else 0
        if not code:
            self.flying.append(pointer)
        return code

    def libusb_cancel_transfer(self, pointer: Any) -> int:
        if pointer not in self.flying:
            return LOST_RACE
        self.complete(pointer, CANCELLED, 0)
        return 0

    def complete(self, pointer: Any, status: int = COMPLETED, actual: int = 1) -> None:
        self.flying.remove(pointer)
        self.events.put((pointer, status, actual))

    def handle_events(self) -> int:
        event = self.events.get()
        if event:
            pointer, status, actual = event
            pointer.contents.status, pointer.contents.actual_length = status, actual
            pointer.contents.callback(pointer)
        return 0

    def interrupt(self) -> None:
        self.events.put(None)


class Table:
    """An engine with its script, and what was told."""

    def __init__(self, limit: int = 64 << 20) -> None:
        self.script = Script()
        self.budget: Budget[Lane] = Budget(limit)
        self.engine = Engine(self.script, self.budget)  # type: ignore[arg-type]
        self.told: list[tuple[int, int]] = []
        self.changed = threading.Condition()

    def done(self, completion: Completion) -> None:
        with self.changed:
            self.told.append((completion.urb.sequence, completion.status))
            self.changed.notify_all()

    def submit(self, sequence: int, length: int = 1, endpoint: int = 0x81) -> Urb:
        urb = Urb(sequence, endpoint, 2, length, UrbFlag.SHORT_OK)
        self.engine.submit(urb, self.done)
        return urb

    def wait(self, count: int) -> list[tuple[int, int]]:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.told) >= count, WAIT), self.told
        return self.told


@pytest.fixture
def table() -> Iterator[Table]:
    table = Table()
    yield table
    table.engine.close()
    assert table.budget.in_flight == 0


def test_failure_to_submit_is_told_after_what_is_in_flight(table: Table) -> None:
    table.submit(1)
    table.script.codes = [NO_DEVICE]
    table.submit(2)
    table.submit(3, endpoint=0x82)
    table.script.complete(table.script.flying[1])
    table.wait(1)
    table.script.complete(table.script.flying[0])
    assert table.wait(3) == [(3, Status.OK), (1, Status.OK), (2, Status.GONE)]


def test_no_mem_waits_for_what_is_in_flight(table: Table) -> None:
    table.submit(1, 1 << 20)
    table.script.codes = [NO_MEM, NO_MEM]
    table.submit(2, 1 << 20)
    table.submit(3)
    assert len(table.script.flying) == 1
    table.script.codes = []
    table.script.complete(table.script.flying[0])
    table.wait(1)
    while len(table.script.flying) < 2:
        pass
    for pointer in list(table.script.flying):
        table.script.complete(pointer)
    assert table.wait(3) == [(1, Status.OK), (2, Status.OK), (3, Status.OK)]


def test_no_mem_with_nothing_in_flight_is_told(table: Table) -> None:
    table.script.codes = [NO_MEM]
    table.submit(1, 1 << 20)
    assert table.wait(1) == [(1, Status.NO_MEMORY)]


def test_isochronous_part_that_cannot_be_submitted_takes_the_others_back(table: Table) -> None:
    table.script.codes = [0, 0, NO_DEVICE]
    urb = Urb(1, 0x83, 1, 400)
    urb.iso_lengths = [1] * 400
    table.engine.submit(urb, table.done)
    assert table.wait(1) == [(1, Status.GONE)]
    assert not table.script.flying


def test_cancel_of_a_waiting_urb_lets_the_next_one_go() -> None:
    table = Table(limit=1 << 20)
    first = table.submit(1, 800_000)
    second, third = table.submit(2, 400_000), table.submit(3, 1000)
    assert len(table.script.flying) == 1
    table.engine.cancel(second)
    assert table.wait(1) == [(2, Status.CANCELLED)]
    assert len(table.script.flying) == 2
    for urb in (first, third, second):
        table.engine.cancel(urb)
    table.wait(3)
    table.engine.close()
    assert table.budget.in_flight == 0


def test_flush_returns_when_done_has_returned(table: Table) -> None:
    release, entered = threading.Event(), threading.Event()

    def slow(completion: Completion) -> None:
        entered.set()
        release.wait(WAIT)
        table.done(completion)

    table.engine.submit(Urb(1, 0x81, 2, 1), slow)
    flusher = threading.Thread(target=table.engine.flush)
    flusher.start()
    assert entered.wait(WAIT)
    flusher.join(0.05)
    assert flusher.is_alive()
    release.set()
    flusher.join(WAIT)
    assert table.told == [(1, Status.CANCELLED)]


def test_after_close_urbs_are_gone_at_once(table: Table) -> None:
    waiting = table.submit(1)
    table.engine.close()
    assert table.told == [(1, Status.CANCELLED)]
    table.submit(2)
    table.engine.cancel(waiting)
    assert table.told == [(1, Status.CANCELLED), (2, Status.GONE)]


ACTIONS = st.tuples(
    st.sampled_from(["submit", "fail", "complete", "cancel", "no memory"]),
    st.sampled_from([1, 5_000, 20_000]),
    st.integers(0, 99),
)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([40_000, 1 << 20]), st.lists(ACTIONS, max_size=40))
def test_each_urb_is_told_once_and_in_order_but_for_cancelled_ones(
    limit: int, plan: list[tuple[str, int, int]]
) -> None:
    """The plan is drawn beforehand: how far the event thread has come is no affair of hypothesis's."""
    table = Table(limit)
    urbs: list[Urb] = []
    for number, (action, length, which) in enumerate(plan):
        if action == "complete" and table.script.flying:
            table.script.complete(table.script.flying[0])
        elif action == "cancel" and urbs:
            table.engine.cancel(urbs[which % len(urbs)])
        else:
            table.script.codes = {"fail": [NO_DEVICE], "no memory": [NO_MEM]}.get(action, [])
            urbs.append(table.submit(number, length))
            table.script.codes = []
    table.engine.close()
    assert sorted(sequence for sequence, _ in table.told) == [urb.sequence for urb in urbs]
    in_turn = [sequence for sequence, status in table.told if status == Status.OK]
    assert in_turn == sorted(in_turn)
    assert table.budget.in_flight == 0
