"""emulator.core: endpoints that two interfaces have, and firmware that fails where it is told of something."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from emulator.device import VirtualDevice
from emulator.devices.awkward import awkward_model
from emulator.firmware import Firmware, InHandler, OutHandler
from emulator.gadget import Gadget, Place
from tests.support.usb import bulk_in, bulk_out, start
from wslusb.errors import DeviceError
from wslusb.usb.descriptors import Configuration, DeviceDescriptor, Endpoint, Interface
from wslusb.usb.ids import TransferType, is_in
from wslusb.usb.urb import Status


def bulk(*addresses: int) -> list[Endpoint]:
    return [Endpoint(address, TransferType.BULK, 512) for address in addresses]


def gadget(*interfaces: Interface) -> Gadget:
    configurations = (Configuration(1, list(interfaces)), Configuration(2, [Interface(0, endpoints=bulk(0x81))]))
    return Gadget(device=DeviceDescriptor(1, 2), configurations=configurations, checked=False)


def test_a_device_with_an_endpoint_twice_in_an_interface_can_be_configured_anew() -> None:
    model = awkward_model("duplicate-endpoint")
    device = VirtualDevice(model.gadget, model.firmware)
    device.select_interface(0, 0)
    device.select_configuration(1)
    device.close()


class Names(Firmware):
    """Endpoints that tell which interface and setting they were made for."""

    def endpoint(self, place: Place) -> InHandler:
        return _Name(place)


class _Name(InHandler):
    def __init__(self, place: Place) -> None:
        self.place = place

    def wanted(self, room: int) -> None:  # noqa: ARG002
        self.pipe.send(bytes((self.place.interface, self.place.alternate)))


def test_of_two_interfaces_with_the_same_endpoint_the_first_one_has_it() -> None:
    settings = [Interface(0, 0, endpoints=bulk(0x81)), Interface(0, 1, endpoints=bulk(0x81))]
    device = VirtualDevice(gadget(*settings, Interface(1, 0, endpoints=bulk(0x81, 0x82)), Interface(1, 1)), Names())

    def name(endpoint: int) -> tuple[int, bytes]:
        waiter = start(device, bulk_in(2, endpoint=endpoint))
        return waiter.status, waiter.data

    assert name(0x81) == (Status.OK, b"\0\0")
    assert name(0x82) == (Status.OK, b"\1\0")
    device.select_interface(1, 1)
    assert name(0x81) == (Status.OK, b"\0\0")
    assert name(0x82)[0] == Status.INVALID
    device.select_interface(1, 0)
    device.select_interface(0, 1)
    assert name(0x81) == (Status.OK, b"\0\1")


def test_what_waits_at_an_endpoint_that_comes_twice_is_given_back() -> None:
    device = VirtualDevice(gadget(Interface(0, endpoints=bulk(0x81)), Interface(1, endpoints=bulk(0x81))))
    waiter = start(device, bulk_in())
    device.select_interface(1, 0)
    assert not waiter.completions
    device.close()
    assert waiter.status == Status.CANCELLED


class Broken(Firmware):
    """Raises in one of the methods that a device calls, once that is switched on."""

    def __init__(self, hook: str, *, now: bool = False) -> None:
        self.hook = hook
        self.now = now
        self.called: list[str] = []

    def _call(self, hook: str) -> None:
        self.called.append(hook)
        if self.now and hook == self.hook:
            raise ZeroDivisionError("broken on purpose")

    def attached(self) -> None:
        self._call("attached")

    def detached(self) -> None:
        self._call("detached")

    def configured(self, value: int) -> None:  # noqa: ARG002
        self._call("configured")

    def reset(self) -> None:
        self._call("reset")

    def endpoint(self, place: Place) -> InHandler | OutHandler:
        self._call("endpoint")
        return _BrokenIn(self) if is_in(place.endpoint.address) else _BrokenOut(self)

    def halt_cleared(self) -> None:
        self._call("halt_cleared")


class _BrokenIn(InHandler):
    def __init__(self, firmware: Broken) -> None:
        self.halt_cleared = firmware.halt_cleared  # type: ignore[method-assign]


class _BrokenOut(OutHandler):
    def __init__(self, firmware: Broken) -> None:
        self.halt_cleared = firmware.halt_cleared  # type: ignore[method-assign]


SETTINGS = Interface(0, 0, endpoints=bulk(0x81, 0x01)), Interface(0, 1, endpoints=bulk(0x82))


@pytest.mark.parametrize("hook", ["attached", "endpoint", "configured"])
def test_a_device_whose_firmware_fails_at_the_start_cannot_be_opened(hook: str) -> None:
    firmware = Broken(hook, now=True)
    with pytest.raises(DeviceError, match="could not be configured: broken on purpose") as caught:
        VirtualDevice(gadget(*SETTINGS), firmware)
    assert caught.value.status == Status.PROTOCOL
    assert (firmware.board, firmware.called[-1]) == (None, "detached")


@pytest.mark.parametrize("hook", ["endpoint", "configured"])
def test_a_configuration_that_the_firmware_fails_at_is_none(hook: str) -> None:
    firmware = Broken(hook)
    device = VirtualDevice(gadget(*SETTINGS), firmware)
    waiter = start(device, bulk_in())
    firmware.now = True
    with pytest.raises(DeviceError) as caught:
        device.select_configuration(2)
    assert caught.value.status == Status.STALL
    assert waiter.status == Status.CANCELLED
    with device.running() as core:
        assert (core.configuration, core.pipes, core.alternate(0)) == (0, {}, None)
    firmware.now = False
    device.select_configuration(1)


def test_a_setting_that_the_firmware_fails_at_has_no_endpoints() -> None:
    firmware = Broken("endpoint")
    device = VirtualDevice(gadget(*SETTINGS, Interface(1, endpoints=bulk(0x83))), firmware)
    firmware.now = True
    with pytest.raises(DeviceError) as caught:
        device.select_interface(0, 1)
    assert caught.value.status == Status.STALL
    with device.running() as core:
        assert list(core.pipes) == [0x83]
    firmware.now = False
    device.select_interface(0, 0)
    assert start(device, bulk_out(b"x")).status == Status.OK


@pytest.mark.parametrize("endpoint", [0x81, 0x01])
def test_an_endpoint_stays_halted_if_the_firmware_fails_as_it_is_cleared(endpoint: int) -> None:
    firmware = Broken("halt_cleared", now=True)
    device = VirtualDevice(gadget(*SETTINGS), firmware)
    with pytest.raises(DeviceError):
        device.clear_halt(endpoint)
    urb = bulk_in() if is_in(endpoint) else bulk_out(b"x")
    assert start(device, urb).status == Status.STALL
    firmware.now = False
    device.clear_halt(endpoint)
    assert firmware.called.count("halt_cleared") == 2


@pytest.mark.parametrize("hook", ["configured", "reset"])
def test_a_reset_leaves_no_configuration_whatever_the_firmware_does(hook: str) -> None:
    firmware = Broken(hook)
    device = VirtualDevice(gadget(*SETTINGS), firmware)
    firmware.now = True
    device.reset()
    assert firmware.called[-2:] == ["configured", "reset"]
    with device.running() as core:
        assert (core.configuration, core.pipes) == (0, {})


@pytest.mark.parametrize("leave", [VirtualDevice.close, VirtualDevice.unplug])
def test_a_device_is_closed_whatever_the_firmware_does(leave: Callable[[VirtualDevice], None]) -> None:
    firmware = Broken("detached", now=True)
    device = VirtualDevice(gadget(*SETTINGS), firmware)
    waiter = start(device, bulk_in())
    leave(device)
    assert device.closed
    assert len(waiter.completions) == 1


def test_only_a_reset_of_the_port_is_called_one() -> None:
    firmware = Broken("")
    device = VirtualDevice(gadget(*SETTINGS), firmware)
    device.select_configuration(0)
    assert "reset" not in firmware.called
    device.reset()
    assert firmware.called.count("reset") == 1


def test_a_device_does_not_start_in_a_configuration_that_it_does_not_have() -> None:
    described = gadget(*SETTINGS)
    info = dataclasses.replace(described.info("9-1"), active_configuration=7)
    with pytest.raises(DeviceError, match="it has no configuration 7"):
        VirtualDevice(described, Firmware(), info)
