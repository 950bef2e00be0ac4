"""wslusb.device.guard: what a guest must not do to somebody else's hardware."""

from __future__ import annotations

import pytest

from emulator import device_provider
from tests.support.usb import PuppetDevice, bulk_in, control_urb, iso_urb, start
from wslusb.device.api import Device
from wslusb.device.guard import Guarded
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Status, Urb

INFO = device_provider("loopback").devices()[0]


@pytest.fixture
def puppet() -> PuppetDevice:
    return PuppetDevice(INFO)


@pytest.fixture
def guarded(puppet: PuppetDevice) -> Guarded:
    return Guarded(puppet)


def test_it_is_a_device(guarded: Guarded) -> None:
    assert isinstance(guarded, Device)
    assert guarded.info is INFO


@pytest.mark.parametrize(
    "urb",
    [
        bulk_in(),
        bulk_in(endpoint=0x01),
        Urb(0, 0x85, 3, 64),
        Urb(0, 0x05, 3, 64, data=bytes(64)),
        iso_urb([8]),
        control_urb(Setup(0x80, 6, 0x100, 0, 18)),
        control_urb(Setup(0x00, 3, 1, 0, 0)),
        control_urb(Setup(0x02, 3, 0, 0x81, 0)),
        control_urb(Setup(0x40, 5, 1, 0, 0)),
    ],
)
def test_what_passes(guarded: Guarded, puppet: PuppetDevice, urb: Urb) -> None:
    guarded.submit(urb, lambda _: None)
    assert list(puppet.waiting) == [urb]


@pytest.mark.parametrize(
    ("urb", "status"),
    [
        (bulk_in(endpoint=0x82), Status.INVALID),
        (bulk_in(endpoint=0x02), Status.INVALID),
        (Urb(0, 0x81, 3, 64), Status.INVALID),
        (bulk_in(endpoint=0x85), Status.INVALID),
        (iso_urb([8], 0x81), Status.INVALID),
        (Urb(0, 0x81, 0, 18, setup=Setup(0x80, 6, 0x100, 0, 18)), Status.INVALID),
        (control_urb(Setup(0x00, 5, 9, 0, 0)), Status.STALL),
        (control_urb(Setup(0x00, 3, 2, 0x0100, 0)), Status.STALL),
    ],
)
def test_what_does_not(guarded: Guarded, puppet: PuppetDevice, urb: Urb, status: Status) -> None:
    assert start(guarded, urb).status == status
    assert not puppet.waiting


def test_the_rest_goes_through(guarded: Guarded, puppet: PuppetDevice) -> None:
    urb = bulk_in()
    guarded.cancel(urb)
    guarded.select_configuration(2)
    guarded.select_interface(0, 1)
    guarded.clear_halt(0x81)
    guarded.clear_halt(0x80)
    guarded.clear_halt(0)
    guarded.reset()
    guarded.close()
    assert puppet.cancelled == [urb]
    assert puppet.calls == [
        ("select_configuration", 2, 0), ("select_interface", 0, 1), ("clear_halt", 0x81, 0), ("reset", 0, 0),
        ("close", 0, 0),
    ]  # fmt: skip
