"""wslusb.device.faults.faulty: what each kind of fault does to a URB, with no sleeping: the clock is a virtual one."""

from __future__ import annotations

import pytest

from tests.support.faulty import World, got
from tests.support.usb import bulk_out, control_urb, iso_urb, start
from wslusb.device.faults import (
    Babble,
    BitStuff,
    Corrupt,
    Crc,
    Disconnect,
    IsoErrors,
    Protocol,
    Reenumerate,
    Reset,
    Short,
    Stall,
    What,
    Where,
    ZeroLength,
)  # fmt: skip
from wslusb.usb.setup import Request, Setup
from wslusb.usb.urb import IsoResult, Status, UrbFlag


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
