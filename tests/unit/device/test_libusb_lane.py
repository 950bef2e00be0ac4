"""wslusb.device.libusb_lane: who is told when; and wslusb.device.libusb_claims: what there is to claim."""

from __future__ import annotations

from typing import Any, cast

import pytest

from wslusb.device.libusb_claims import Claims, endpoints_by_interface
from wslusb.device.libusb_lane import Flight, Lane, State
from wslusb.errors import DeviceError
from wslusb.usb.descriptors import Configuration, Endpoint, Interface
from wslusb.usb.urb import Status, Urb


def lane_of(count: int) -> tuple[Lane, list[Flight]]:
    lane = Lane(cast("Any", None))
    flights = [Flight(Urb(number, 0x81, 2, 0), lambda _: None, lane, None, 0) for number in range(count)]
    for flight in flights:
        flight.state = State.FLYING
        lane.flights[flight.urb] = flight
    return lane, flights


def test_failures_wait_for_what_is_before_them_and_go_with_it() -> None:
    lane, flights = lane_of(5)
    for number in (1, 2, 4):
        lane.hold(flights[number], Status.NO_MEMORY)
    assert lane.take_ready() == []
    assert lane.take_ready(flights[0]) == flights[:3]
    assert lane.take_ready(flights[3]) == flights[3:]
    assert not lane.flights
    assert lane.held == 0


def test_failures_that_are_first_go_before_a_completion() -> None:
    lane, flights = lane_of(3)
    lane.hold(flights[0], Status.INVALID)
    assert lane.take_ready(flights[1]) == flights[:2]


def test_cancelled_flight_is_not_held_back() -> None:
    lane, flights = lane_of(3)
    lane.hold(flights[1], Status.INVALID)
    assert lane.take_ready(flights[2], in_turn=False) == [flights[2]]
    assert lane.take_ready(flights[0]) == flights[:2]


def test_interfaces_with_the_endpoints_of_all_settings() -> None:
    raw = Configuration(
        1,
        [
            Interface(0, 0),
            Interface(0, 1, endpoints=[Endpoint(0x81, 2, 512), Endpoint(0x02, 2, 512)]),
            Interface(2, 0, endpoints=[Endpoint(0x83, 3, 8)]),
        ],
    ).pack()
    assert endpoints_by_interface(raw) == {0: {0x81, 0x02}, 2: {0x83}}
    assert endpoints_by_interface(raw[:-3]) == {0: {0x81, 0x02}, 2: set()}
    assert endpoints_by_interface(b"") == {}


class FakeNative:
    """The kernel's answers; libusb itself is not what is tried here."""

    def __init__(self, busy: int = -1) -> None:
        self.busy, self.log = busy, []  # type: ignore[var-annotated]

    def detach_and_claim(self, number: int, *, busy: str = "") -> bool:
        if number == self.busy:
            raise DeviceError(Status.BUSY, "busy", hint=busy)
        self.log.append(("claim", number))
        return number != 9

    def release(self, number: int) -> None:
        self.log.append(("release", number))

    def attach(self, number: int) -> None:
        self.log.append(("attach", number))


def test_all_interfaces_are_released_before_the_first_is_attached() -> None:
    native = FakeNative()
    claims = Claims(cast("Any", native), {})
    claims.take([0, 1, 9])
    assert claims.interfaces == [0, 1], "9 is one that the kernel does not know"
    claims.give_back()
    assert [word for word, _ in native.log[3:]] == ["release", "release", "attach", "attach"]


def test_nothing_is_kept_when_one_interface_is_busy() -> None:
    native = FakeNative(busy=1)
    with pytest.raises(DeviceError) as caught:
        Claims(cast("Any", native), {1: "cdc_acm"}).take([0, 1, 2])
    assert caught.value.hint == "cdc_acm"
    assert native.log == [("claim", 0), ("release", 0), ("attach", 0)]
