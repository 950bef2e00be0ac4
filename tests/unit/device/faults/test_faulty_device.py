"""wslusb.device.faults.faulty: what befalls the whole device, and its owners."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.faulty import INFO, World, got
from tests.support.usb import PuppetDevice, Waiter, bulk_in, bulk_out, iso_urb, start
from wslusb.device.faults import (
    Disconnect,
    Duplicate,
    Fault,
    Faulty,
    Late,
    Plan,
    Protocol,
    Reenumerate,
    Reset,
    SetupMatch,
    Stall,
    What,
    When,
    Where,
)  # fmt: skip
from wslusb.errors import DeviceError, LocalError
from wslusb.usb.setup import Request
from wslusb.usb.urb import Completion, Done, IsoResult, Status, Urb


@pytest.mark.parametrize(("what", "status"), [(Disconnect(), Status.GONE), (Reset(), Status.PROTOCOL)])
def test_all_that_is_in_flight_ends(what: What, status: Status) -> None:
    world = World(what, where=Where(direction="out"))
    reader, urb = world.read(), next(iter(world.puppet.waiting))
    assert start(world.device, bulk_out(b"x")).status == status
    world.clock.advance(0)
    assert world.puppet.cancelled == [urb]
    assert got(reader) == (status, b"")
    assert got(world.read()) == (status, b"")
    with pytest.raises(DeviceError) as caught:
        world.device.select_configuration(3)
    assert caught.value.status == status


def test_a_device_that_restarted_is_there_again_after_a_reset() -> None:
    world = World(Reset())
    world.read()
    world.device.reset()
    world.read()
    assert len(world.puppet.waiting) == 1
    assert not world.left


@pytest.mark.parametrize("bytes_", [None, 3])
def test_a_device_that_was_pulled_out_is_gone(bytes_: int | None) -> None:
    world = World(Disconnect(seconds=7, bytes=bytes_))
    waiter = world.read()
    if bytes_:
        world.answer()
    assert got(waiter) == (Status.GONE, b"answer"[: bytes_ or 0])
    world.clock.advance(0)
    assert world.left == [(7, "")]
    with pytest.raises(DeviceError) as caught:
        world.device.reset()
    assert caught.value.status == Status.GONE


def test_a_device_comes_back_as_another_only_where_its_provider_can() -> None:
    world = World(Reenumerate(become="keyboard"))
    world.read()
    world.clock.advance(0)
    assert world.left == [(float("inf"), "keyboard")]
    puppet = PuppetDevice(INFO)
    alone = Faulty(puppet, Plan([Fault(Reenumerate(become="keyboard"))]))
    start(alone, bulk_in())
    assert len(puppet.waiting) == 1


SETTING = SetupMatch(request=Request.SET_INTERFACE)


def test_requests_that_change_the_state_fail_too() -> None:
    world = World(Stall(), where=Where(setup=SETTING))
    world.device.select_configuration(3)
    with pytest.raises(DeviceError) as caught:
        world.device.select_interface(0, 1)
    assert caught.value.status == Status.STALL
    world.device.select_interface(0, 1)
    assert world.puppet.calls == [("select_configuration", 3, 0), ("select_interface", 0, 1)]


def test_a_request_may_be_done_and_its_answer_lost() -> None:
    world = World(Protocol(reaches=True), where=Where(setup=SETTING))
    with pytest.raises(DeviceError):
        world.device.select_interface(0, 1)
    assert world.puppet.calls == [("select_interface", 0, 1)]


def test_the_plug_is_pulled_while_the_configuration_is_chosen() -> None:
    world = World(Disconnect(), where=Where(setup=SetupMatch(request=Request.SET_CONFIGURATION)))
    with pytest.raises(DeviceError) as caught:
        world.device.select_configuration(3)
    assert caught.value.status == Status.GONE
    assert got(world.read())[0] == Status.GONE


def test_a_duplicate_is_told_twice_and_an_owner_who_refuses_it_hurts_nobody() -> None:
    world = World(Duplicate())
    seen: list[Completion] = []

    def done(completion: Completion) -> None:
        seen.append(completion)
        if len(seen) > 1:
            raise KeyError(completion.urb.sequence)

    world.device.submit(bulk_in(), done)
    world.answer()
    assert len(seen) == 2
    waiter = world.read()
    world.answer()
    assert got(waiter) == (Status.OK, b"answer")


@pytest.mark.parametrize("what", [Stall(), Protocol(), Late(seconds=0)])
def test_a_driver_that_resubmits_for_ever_uses_no_stack(what: What) -> None:
    world = World(what, When())
    left = 3000

    def done(_completion: Completion) -> None:
        nonlocal left
        left -= 1
        if left:
            world.device.submit(bulk_in(), done)
            if world.puppet.waiting:
                world.answer()

    world.device.submit(bulk_in(), done)
    if world.puppet.waiting:
        world.answer()
    assert left == 0


CALLS: list[Callable[[Faulty], None]] = [Faulty.reset, Faulty.close, lambda device: device.select_interface(0, 1)]


@pytest.mark.parametrize("call", CALLS)
def test_what_waits_must_not_be_called_from_done(call: Callable[[Faulty], None]) -> None:
    world = World(Stall())
    raised: list[LocalError] = []

    def done(_completion: Completion) -> None:
        with pytest.raises(LocalError) as caught:
            call(world.device)
        raised.append(caught.value)

    world.device.submit(bulk_in(), done)
    assert raised


def test_a_cancel_while_the_device_is_handed_the_urb_is_not_lost() -> None:
    world = World(Stall(), When(nth=(99,)))
    urb, waiter = bulk_in(), Waiter()
    submit = world.puppet.submit

    def slow(urb: Urb, done: Done) -> None:
        world.device.cancel(urb)
        submit(urb, done)

    world.puppet.submit = slow  # type: ignore[method-assign]  # a cancel at this very moment
    world.device.submit(urb, waiter)
    assert got(waiter) == (Status.CANCELLED, b"")


def test_a_pulled_plug_is_heard_of_after_the_urb_in_whose_middle_it_was() -> None:
    """Or its data might be lost: whoever hears that the device is gone ends the connection."""
    world = World(Disconnect(bytes=3), where=Where(endpoint=0x81))
    other = start(world.device, bulk_in(endpoint=0x85))
    heard: list[tuple[int, bool, int]] = []

    def done(completion: Completion) -> None:
        world.clock.advance(0)  # what other threads would do at this moment
        heard.append((completion.actual_length, other.finished.is_set(), len(world.left)))

    world.device.submit(bulk_in(), done)
    world.puppet.complete(next(urb for urb in world.puppet.waiting if urb.endpoint == 0x81), data=b"answer")
    assert heard == [(3, False, 0)]
    world.clock.advance(0)
    assert other.status == Status.GONE
    assert len(world.left) == 1


def test_the_plug_is_pulled_in_the_middle_of_isochronous_packets() -> None:
    """What is told of them fits together: the other end of a link would not take it otherwise."""
    world = World(Disconnect(bytes=3))
    waiter = start(world.device, iso_urb([4, 4]))
    (urb,) = world.puppet.waiting
    world.puppet.complete(urb, data=b"aaaabbbb", iso=[IsoResult(Status.OK, 4)] * 2)
    assert got(waiter) == (Status.GONE, b"")
    assert not waiter.wait().iso
