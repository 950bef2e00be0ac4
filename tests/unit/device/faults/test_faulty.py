"""wslusb.device.faults.faulty: what each kind of fault does to a URB, with no sleeping: the clock is a virtual one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from emulator import device_provider
from tests.support.usb import PuppetDevice, Waiter, bulk_in, bulk_out, control_urb, iso_urb, start
from wslusb.device.clock import VirtualClock
from wslusb.device.faults import (
    Babble,
    Bandwidth,
    BitStuff,
    Corrupt,
    Crc,
    Delay,
    Disconnect,
    Duplicate,
    Fault,
    Faulty,
    IsoErrors,
    Late,
    Nak,
    Plan,
    Protocol,
    Reenumerate,
    Reset,
    SetupMatch,
    Short,
    Stall,
    Timeout,
    UnlinkRace,
    What,
    When,
    Where,
    ZeroLength,
)  # fmt: skip
from wslusb.errors import DeviceError, LocalError
from wslusb.usb.setup import Request, Setup
from wslusb.usb.urb import Completion, Done, IsoResult, Status, Urb, UrbFlag

INFO = device_provider("loopback").devices()[0]
ONCE = When(nth=(1,))


class World:
    """A puppet with one fault before it, which befalls the first URB of each endpoint that it fits."""

    def __init__(self, what: What, when: When = ONCE, where: Where | None = None) -> None:
        self.clock = VirtualClock()
        self.puppet = PuppetDevice(INFO, obedient=True)
        self.left: list[tuple[float, str]] = []
        self.device = Faulty(
            self.puppet, Plan([Fault(what, where or Where(), when)]), clock=self.clock,
            left=lambda *how: self.left.append(how), can_become=True,
        )  # fmt: skip

    def read(self, length: int = 64, flags: int = UrbFlag.SHORT_OK) -> Waiter:
        return start(self.device, bulk_in(length, flags=flags))

    def answer(self, data: bytes = b"answer", status: int = Status.OK) -> None:
        """Complete the oldest URB that the puppet has."""
        self.puppet.complete(next(iter(self.puppet.waiting)), status, data)


def got(waiter: Waiter) -> tuple[int, bytes]:
    completion = waiter.wait()
    assert completion.actual_length == len(waiter.data)
    return completion.status, waiter.data


@pytest.mark.parametrize(
    ("what", "status"),
    [
        (Stall(), Status.STALL),
        (Babble(), Status.OVERRUN),
        (Crc(), Status.CRC),
        (Protocol(), Status.PROTOCOL),
        (BitStuff(), Status.BIT_STUFF),
        (Reset(), Status.PROTOCOL),
        (Disconnect(), Status.GONE),
        (Reenumerate(become="x"), Status.GONE),
    ],
)
def test_a_urb_ends_with_an_error_and_the_device_never_sees_it(what: What, status: Status) -> None:
    world = World(what)
    assert got(world.read()) == (status, b"")
    assert not world.puppet.waiting


@pytest.mark.parametrize(("bytes_", "data"), [(None, b""), (0, b""), (4, b"answ"), (99, b"answer")])
def test_an_error_may_come_after_some_data(bytes_: int | None, data: bytes) -> None:
    world = World(Protocol(reaches=True, bytes=bytes_))
    waiter = world.read()
    assert not waiter.completions
    world.answer()
    assert got(waiter) == (Status.PROTOCOL, data)


def test_of_out_data_the_device_gets_what_was_moved() -> None:
    world = World(Crc(bytes=3))
    waiter = start(world.device, bulk_out(b"abcdef"))
    (urb,) = world.puppet.waiting
    assert (bytes(urb.data), urb.length) == (b"abc", 3)
    world.puppet.complete(urb, actual=3)
    assert (waiter.wait().status, waiter.wait().actual_length) == (Status.CRC, 3)


def test_a_stalled_endpoint_stays_halted_until_it_is_cleared() -> None:
    world = World(Stall(), where=Where(transfer="bulk"))
    assert [got(world.read())[0] for _ in range(3)] == [Status.STALL] * 3
    world.device.clear_halt(0x81)
    waiter = world.read()
    world.answer()
    assert got(waiter) == (Status.OK, b"answer")
    assert ("clear_halt", 0x81, 0) in world.puppet.calls


def halted(world: World, endpoint: int) -> bool:
    """What GET_STATUS says, which the device answers with 0: it knows of no halt."""
    waiter = start(world.device, control_urb(Setup(0x82, Request.GET_STATUS, 0, endpoint, 2)))
    world.answer(b"\0\0")
    assert got(waiter)[0] == Status.OK
    assert waiter.data[1:] == b"\0"
    return waiter.data[0] == 1


@pytest.mark.parametrize(
    ("setup", "cleared"),
    [
        (Setup(0x02, Request.CLEAR_FEATURE, 0, 0x81, 0), True),
        (Setup(0x02, Request.CLEAR_FEATURE, 0, 0x85, 0), False),
        (Setup(0x00, Request.SET_CONFIGURATION, 3, 0, 0), True),
        (Setup(0x01, Request.SET_INTERFACE, 0, 0, 0), True),
        (Setup(0x01, Request.SET_INTERFACE, 0, 7, 0), False),
        (Setup(0x00, Request.CLEAR_FEATURE, 1, 0, 0), False),
    ],
)
@pytest.mark.parametrize("status", [Status.OK, Status.STALL])
def test_a_halt_is_asked_for_and_cleared_by_requests_as_urbs_too(setup: Setup, cleared: bool, status: Status) -> None:
    world = World(Stall(), where=Where(transfer="bulk"))
    assert not halted(world, 0x81)
    assert got(world.read())[0] == Status.STALL
    assert (halted(world, 0x81), halted(world, 0x85)) == (True, False)
    request = start(world.device, control_urb(setup))
    world.answer(b"", status)
    assert request.status == status
    assert halted(world, 0x81) != (cleared and status == Status.OK)


def test_endpoint_zero_is_not_halted() -> None:
    world = World(Stall())
    request = Setup(0xC0, 1, 0, 0, 6)
    assert start(world.device, control_urb(request)).status == Status.STALL
    waiter = start(world.device, control_urb(request))
    world.answer()
    assert got(waiter) == (Status.OK, b"answer")


@pytest.mark.parametrize(
    ("what", "flags", "expected"),
    [
        (Short(bytes=2), UrbFlag.SHORT_OK, (Status.OK, b"an")),
        (Short(bytes=2), 0, (Status.SHORT, b"an")),
        (Short(), UrbFlag.SHORT_OK, (Status.OK, b"answ")),
        (ZeroLength(), UrbFlag.SHORT_OK, (Status.OK, b"")),
        (Corrupt(bit=9), UrbFlag.SHORT_OK, (Status.OK, b"alswer")),
        (Corrupt(bit=9 + 8 * 6), UrbFlag.SHORT_OK, (Status.OK, b"alswer")),
    ],
)
def test_data_that_arrive_are_not_what_was_sent(what: What, flags: int, expected: tuple[Status, bytes]) -> None:
    world = World(what)
    waiter = world.read(8, flags)
    world.answer()
    assert got(waiter) == expected


def test_data_that_go_out_are_not_what_was_meant() -> None:
    world = World(Corrupt(bit=0))
    data = b"abc"
    start(world.device, bulk_out(data))
    assert [bytes(urb.data) for urb in world.puppet.waiting] == [b"`bc"]


def test_isochronous_packets_fail_one_by_one() -> None:
    world = World(IsoErrors(packets=(0, 2)))
    waiter = start(world.device, iso_urb([4, 4, 4]))
    (urb,) = world.puppet.waiting
    world.puppet.complete(urb, data=b"aaabbcccc", iso=[IsoResult(Status.OK, length) for length in (3, 2, 4)])
    completion = waiter.wait()
    assert (completion.status, waiter.data, completion.error_count) == (Status.OK, b"bb", 2)
    assert [(each.status, each.actual_length) for each in completion.iso] == [
        (Status.CRC, 0), (Status.OK, 2), (Status.CRC, 0),
    ]  # fmt: skip


# -- time


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


# -- the whole device


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


# -- owners


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
