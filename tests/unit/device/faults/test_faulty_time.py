"""wslusb.device.faults.faulty: what takes its time, by a virtual clock."""

from __future__ import annotations

import pytest

from tests.support.faulty import World, got
from tests.support.usb import Waiter, bulk_in, bulk_out, start
from wslusb.device.faults import Bandwidth, Delay, Late, Nak, Timeout, UnlinkRace, When, Where
from wslusb.usb.urb import Status


def test_a_timeout_lasts_until_it_is_cancelled_and_those_behind_wait() -> None:
    world = World(Timeout())
    lost, urb = Waiter(), bulk_in()
    world.device.submit(urb, lost)
    behind = world.read()
    world.clock.advance(3600)
    assert not world.puppet.waiting
    world.device.cancel(urb)
    assert got(lost) == (Status.CANCELLED, b"")
    world.answer()
    assert got(behind) == (Status.OK, b"answer")


def test_an_answer_may_be_lost_on_its_way() -> None:
    world = World(Timeout(reaches=True))
    lost, urb = Waiter(), bulk_in()
    world.device.submit(urb, lost)
    world.answer()
    assert not lost.completions
    world.device.cancel(urb)
    assert got(lost) == (Status.CANCELLED, b"")


def test_a_delay_keeps_the_order() -> None:
    world = World(Delay(seconds=2))
    first, second = world.read(), world.read()
    world.clock.advance(1.9)
    assert not world.puppet.waiting
    world.clock.advance(0.2)
    world.answer(b"1")
    world.answer(b"2")
    assert (first.data, second.data) == (b"1", b"2")


def test_out_data_of_a_delayed_urb_are_copied() -> None:
    world = World(Delay(seconds=1))
    data = bytearray(b"mine")
    start(world.device, bulk_out(data))
    data[:] = b"gone"
    world.clock.advance(1)
    assert [bytes(urb.data) for urb in world.puppet.waiting] == [b"mine"]


def test_late_is_told_late_and_in_order() -> None:
    world = World(Late(seconds=2))
    first, second = world.read(), world.read()
    world.answer(b"1")
    world.answer(b"2")
    world.clock.advance(1.9)
    assert not first.completions
    assert not second.completions
    world.clock.advance(0.2)
    assert (got(first), got(second)) == ((Status.OK, b"1"), (Status.OK, b"2"))


def test_the_cancel_of_what_is_late_has_lost() -> None:
    world = World(Late(seconds=2))
    waiter, urb = Waiter(), bulk_in()
    world.device.submit(urb, waiter)
    world.answer()
    world.device.cancel(urb)
    assert got(waiter) == (Status.OK, b"answer")


@pytest.mark.parametrize(
    ("winner", "expected"), [("completion", (Status.OK, b"answer")), ("cancel", (Status.CANCELLED, b"answer"))]
)
def test_a_urb_completes_at_the_moment_of_its_cancel(winner: str, expected: tuple[Status, bytes]) -> None:
    world = World(UnlinkRace(winner=winner))
    waiter, urb = Waiter(), bulk_in()
    world.device.submit(urb, waiter)
    world.answer()
    world.clock.advance(60)
    assert not waiter.completions
    world.device.cancel(urb)
    assert got(waiter) == expected


@pytest.mark.parametrize("winner", ["completion", "cancel"])
def test_a_cancel_before_the_device_is_done_is_the_devices(winner: str) -> None:
    world = World(UnlinkRace(winner=winner))
    waiter, urb = Waiter(), bulk_in()
    world.device.submit(urb, waiter)
    world.device.cancel(urb)
    assert world.puppet.cancelled == [urb]
    assert got(waiter) == (Status.CANCELLED, b"")


def test_bandwidth_is_shared_by_the_urbs_of_an_endpoint() -> None:
    world = World(Bandwidth(bytes_per_second=6), When())
    waiters = [world.read() for _ in range(3)]
    for _ in waiters:
        world.answer()  # six bytes
    assert [len(waiter.completions) for waiter in waiters] == [0, 0, 0]
    for done in ([1, 0, 0], [1, 1, 0], [1, 1, 1]):
        world.clock.advance(1)
        assert [len(waiter.completions) for waiter in waiters] == done


def test_nak_for_some_time() -> None:
    world = World(Nak(seconds=5), where=Where(endpoint=0x81))
    first, other = world.read(), start(world.device, bulk_in(endpoint=0x85))
    world.clock.advance(4)
    assert [urb.endpoint for urb in world.puppet.waiting] == [0x85]
    world.answer()
    world.clock.advance(1)
    world.answer()
    assert (got(first), got(other)) == ((Status.OK, b"answer"),) * 2


def test_nak_for_ever_is_until_a_reset() -> None:
    world = World(Nak())
    waiter = world.read()
    world.clock.advance(1e6)
    assert not world.puppet.waiting
    world.device.reset()
    assert waiter.status == Status.CANCELLED
    world.read()
    assert len(world.puppet.waiting) == 1
