"""emulator.devices.awkward: what its ways of being awkward look like from the host (others: test_chapter9.py)."""

from __future__ import annotations

import pytest

from emulator.catalogue import parse_models
from emulator.device import VirtualDevice
from emulator.devices.awkward import awkward_model
from emulator.devices.awkward_parts.variants import VARIANTS
from emulator.model import Model
from tests.support.usb import Waiter, control_urb, start
from wslusb.device.clock import VirtualClock
from wslusb.errors import DeviceError, LocalError
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Status

PRODUCT = Setup(0x80, 6, 0x0302, 0x0409, 255)
CONFIGURATION = Setup(0x80, 6, 0x0200, 0, 9)
SET_IDLE = Setup(0x21, 10, 0, 0, 0)
VENDOR = Setup(0xC0, 1, 0, 0, 8)


def opened(how: str, clock: VirtualClock | None = None) -> VirtualDevice:
    model = awkward_model(how)
    return VirtualDevice(model.gadget, model.firmware, clock=clock or VirtualClock())


def asked(device: VirtualDevice, setup: Setup) -> Waiter:
    return start(device, control_urb(setup))


@pytest.mark.parametrize(("how", "seconds"), [("late", 0.3), ("too-late", 6.0)])
def test_a_late_answer_is_right_and_comes_at_its_time(how: str, seconds: float) -> None:
    clock = VirtualClock()
    waiter = asked(opened(how, clock), PRODUCT)
    clock.advance(seconds - 0.01)
    assert not waiter.finished.is_set()
    clock.advance(0.02)
    assert (waiter.status, waiter.data[2:].decode("utf-16-le")) == (Status.OK, "Awkward")


@pytest.mark.parametrize(("how", "setup"), [("mute", CONFIGURATION), ("no-idle", SET_IDLE)])
def test_what_is_never_answered_can_be_taken_back_and_the_next_request_is_answered(how: str, setup: Setup) -> None:
    clock = VirtualClock()
    device = opened(how, clock)
    urb = control_urb(setup)
    waiter = start(device, urb)
    clock.advance(3600)
    assert not waiter.finished.is_set()
    device.cancel(urb)
    assert waiter.status == Status.CANCELLED
    assert asked(device, PRODUCT).status == Status.OK


def test_set_interface_works_the_second_time() -> None:
    device = opened("twice")
    with pytest.raises(DeviceError):
        device.select_interface(1, 1)
    device.select_interface(1, 1)
    assert asked(device, Setup(0x81, 10, 0, 1, 1)).data == b"\1"


def test_a_vendor_request_drives_it_away_and_it_comes_back_as_itself() -> None:
    clock, models = VirtualClock(), list[Model]()
    model = awkward_model("departing", "SN5")
    device = VirtualDevice(model.gadget, model.firmware, clock=clock, replug=models.append)
    waiter = asked(device, VENDOR)
    clock.advance(1)
    assert not waiter.finished.is_set()
    assert [each.gadget.string(3) for each in models] == ["SN5"]
    device.unplug()
    assert waiter.status == Status.GONE


def test_every_way_can_be_asked_for_by_name() -> None:
    models = parse_models(",".join(f"awkward:how={how}" for how in VARIANTS))
    assert len({model.gadget.string(3) for model in models}) == len(VARIANTS)
    with pytest.raises(LocalError, match="no-strings"):
        parse_models("awkward:how=nonsense")
