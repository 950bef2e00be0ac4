"""emulator.features: what can be set, at which speed and in which state, and how a device's status tells of it."""

from __future__ import annotations

import dataclasses

import pytest

from emulator.control import ControlEndpoint
from emulator.core import Core
from emulator.devices.loopback import LOOPBACK, SOURCE_SINK, LoopbackFirmware, loopback_gadget
from emulator.frames import Frames
from emulator.gadget import Gadget
from emulator.variants import at_speed
from wslusb.device.clock import VirtualClock
from wslusb.device.delivery import Delivery
from wslusb.usb.bos import bos, superspeed, usb_2_0_extension
from wslusb.usb.ids import Speed
from wslusb.usb.setup import Request, Setup

WAKEUP, TEST_MODE, U1, U2, LTM = 1, 2, 48, 49, 50


class Device:
    """Endpoint zero of the loopback at some speed; its configuration LOOPBACK can wake the host."""

    def __init__(self, speed: Speed, configuration: int = LOOPBACK, gadget: Gadget | None = None) -> None:
        frames = Frames(VirtualClock(), lambda act: act())
        self.core = Core(gadget or at_speed(loopback_gadget(), speed), LoopbackFirmware(), Delivery().put, frames)
        self.core.configure(configuration)
        self._control = ControlEndpoint(self.core)

    def ask(self, setup: Setup, data: bytes = b"") -> bytes | None:
        reply = self._control.answer(setup, data)
        return None if reply is None else bytes(reply)

    def set(self, selector: int, index: int = 0, recipient: int = 0) -> bool:
        return self.ask(Setup(recipient, Request.SET_FEATURE, selector, index, 0)) is not None

    def clear(self, selector: int, index: int = 0, recipient: int = 0) -> bool:
        return self.ask(Setup(recipient, Request.CLEAR_FEATURE, selector, index, 0)) is not None

    def status(self, recipient: int = 0, index: int = 0) -> int:
        reply = self.ask(Setup(0x80 | recipient, Request.GET_STATUS, 0, index, 2))
        assert reply is not None
        assert len(reply) == 2
        return int.from_bytes(reply, "little")


@pytest.mark.parametrize(
    ("speed", "has"),
    [(Speed.LOW, {WAKEUP}), (Speed.FULL, {WAKEUP}), (Speed.HIGH, {WAKEUP}), (Speed.SUPER, {U1, U2})],
)
def test_features_of_a_device_by_speed(speed: Speed, has: set[int]) -> None:
    device = Device(speed)
    assert {selector for selector in range(64) if device.set(selector)} == has
    bits = {WAKEUP: 0x02, U1: 0x04, U2: 0x08}
    assert device.status() == 1 | sum(bits[selector] for selector in has)
    for selector in has:
        assert not device.set(selector, 1), "wIndex is 0"
        assert device.clear(selector)
    assert device.status() == 1, "self-powered"


def test_a_device_that_cannot_wake_its_host_does_not_pretend_to() -> None:
    assert not Device(Speed.HIGH, SOURCE_SINK).set(WAKEUP)


def test_u1_and_u2_are_for_configured_devices() -> None:
    device = Device(Speed.SUPER, 0)
    assert not device.set(U1)
    device.core.configure(LOOPBACK)
    assert device.set(U1)
    device.core.reset()
    device.core.configure(LOOPBACK)
    assert device.status() == 1


@pytest.mark.parametrize("tells", [False, True])
def test_latency_tolerance_is_for_those_that_tell_it(tells: bool) -> None:
    gadget = at_speed(loopback_gadget(), Speed.SUPER)
    gadget = dataclasses.replace(gadget, bos=bos(usb_2_0_extension(), superspeed(ltm=tells)))
    device = Device(Speed.SUPER, gadget=gadget)
    assert device.set(LTM) is tells
    assert device.status() == 1 | tells << 4
    assert not Device(Speed.SUPER, 0, gadget).set(LTM), "it is not configured"


def test_a_damaged_store_tells_nothing() -> None:
    gadget = at_speed(loopback_gadget(), Speed.SUPER)
    assert not Device(Speed.SUPER, gadget=dataclasses.replace(gadget, bos=b"\5", checked=False)).set(LTM)


def test_test_modes() -> None:
    device = Device(Speed.HIGH)
    assert [device.set(TEST_MODE, mode << 8) for mode in range(7)] == [False, True, True, True, True, False, False]
    assert device.core.features.test_mode == 4
    assert not device.set(TEST_MODE, 0x0101)
    assert not device.clear(TEST_MODE, 0x0100)
    for speed in (Speed.FULL, Speed.SUPER):
        assert not Device(speed).set(TEST_MODE, 0x0100)


def test_functions_are_suspended_and_may_wake_the_host() -> None:
    device = Device(Speed.SUPER)
    assert device.status(1) == 1, "it can"
    assert device.set(0, 0x0300, recipient=1)
    assert (device.core.features.suspended, device.status(1)) == ({0}, 3)
    assert device.set(0, 0x0100, recipient=1)
    assert (device.core.features.suspended, device.status(1)) == ({0}, 1)
    assert device.clear(0, 0x0100, recipient=1)
    assert not device.core.features.suspended
    for selector, index in ((0, 0x0400), (1, 0x0100), (0, 0x0101)):
        assert not device.set(selector, index, recipient=1)
    assert not Device(Speed.SUPER, SOURCE_SINK).set(0, 0x0200, recipient=1), "that one cannot"
    assert not Device(Speed.HIGH).set(0, 0x0100, recipient=1)


def test_a_new_configuration_suspends_nobody() -> None:
    device = Device(Speed.SUPER)
    device.set(0, 0x0300, recipient=1)
    device.core.configure(LOOPBACK)
    assert (device.core.features.suspended, device.status(1)) == (set(), 1)


def test_exit_latencies_and_isochronous_delay() -> None:
    device, latencies = Device(Speed.SUPER, 0), bytes((1, 2, 3, 0, 4, 0))
    assert device.ask(Setup(0, Request.SET_SEL, 0, 0, 6), latencies) == b""
    assert device.ask(Setup(0, Request.SET_ISOCH_DELAY, 40, 0, 0)) == b""
    assert (device.core.exit_latencies, device.core.isoch_delay) == (latencies, 40)
    for setup in (
        Setup(0, Request.SET_SEL, 1, 0, 6), Setup(0, Request.SET_SEL, 0, 1, 6), Setup(0, Request.SET_SEL, 0, 0, 5),
        Setup(0, Request.SET_ISOCH_DELAY, 40, 1, 0), Setup(0, Request.SET_ISOCH_DELAY, 40, 0, 1),
    ):  # fmt: skip
        assert device.ask(setup, bytes(setup.length)) is None
    assert Device(Speed.HIGH).ask(Setup(0, Request.SET_SEL, 0, 0, 6), latencies) is None
    assert Device(Speed.HIGH).ask(Setup(0, Request.SET_ISOCH_DELAY, 40, 0, 0)) is None
