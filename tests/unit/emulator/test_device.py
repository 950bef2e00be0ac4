"""emulator.device: what needs two threads to be seen. The rest is in the Device contract."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from emulator import device as device_module
from emulator.device import VirtualDevice
from emulator.devices.loopback import LOOPBACK, LoopbackFirmware, loopback_gadget
from emulator.firmware import PASS, Deferred, Firmware, InHandler, Pass
from emulator.gadget import Place
from tests.support.usb import bulk_in, control_urb, start
from tests.support.waiting import until
from wslusb.device.clock import VirtualClock
from wslusb.errors import DeviceError
from wslusb.usb.ids import is_in
from wslusb.usb.setup import Request, Setup
from wslusb.usb.urb import Completion, Status, Urb

Change = Callable[[VirtualDevice], None]
CHANGES: dict[str, Change] = {
    "interface": lambda device: device.select_interface(0, 0),
    "configuration": lambda device: device.select_configuration(LOOPBACK),
    "reset": VirtualDevice.reset,
    "close": VirtualDevice.close,
    "unplug": VirtualDevice.unplug,
}


@pytest.mark.parametrize("name", CHANGES)
def test_returns_after_done_that_another_thread_is_in(name: str) -> None:
    """A URB is given back when its ``done`` has returned, not when somebody is about to call it."""
    device = VirtualDevice(loopback_gadget(), LoopbackFirmware())
    device.select_configuration(LOOPBACK)
    entered, leave = threading.Event(), threading.Event()
    order: list[str] = []

    def slow(_completion: Completion) -> None:
        entered.set()
        assert leave.wait(10)
        order.append("slow")

    device.submit(Urb(1, 0x81, 2, 512), lambda _: order.append("given back"))
    other = threading.Thread(target=device.submit, args=(Urb(2, 0x05, 3, 0), slow))
    other.start()
    assert entered.wait(10)

    def change() -> None:
        CHANGES[name](device)
        order.append("returned")

    changer = threading.Thread(target=change)
    changer.start()
    changer.join(0.05)
    assert changer.is_alive(), "it did not wait"
    leave.set()
    other.join(10)
    changer.join(10)
    assert order == ["slow", "given back", "returned"]


def test_closed() -> None:
    device = VirtualDevice(loopback_gadget())
    assert not device.closed
    device.close()
    assert device.closed


def test_a_done_that_blocks_holds_up_its_own_device_alone() -> None:
    """Both complete from a clock's thread, for isochronous URBs take their time."""
    entered, leave, other = threading.Event(), threading.Event(), threading.Event()

    def block(_completion: Completion) -> None:
        entered.set()
        assert leave.wait(10)

    devices = [VirtualDevice(loopback_gadget(), LoopbackFirmware()) for _ in range(2)]
    for device in devices:
        device.select_interface(0, 1)
    devices[0].submit(Urb(1, 0x83, 1, 1024, iso_lengths=[1024]), block)
    assert entered.wait(10)
    devices[1].submit(Urb(2, 0x83, 1, 1024, iso_lengths=[1024]), lambda _: other.set())
    assert other.wait(10)
    leave.set()
    for device in devices:
        device.close()


class _Late(Firmware):
    """Leaves the answer to SET_CONFIGURATION open."""

    def override(self, setup: Setup, data: memoryview) -> Deferred | Pass:  # noqa: ARG002
        return Deferred() if (setup.request_type, setup.request) == (0, Request.SET_CONFIGURATION) else PASS


def test_what_is_behind_a_request_that_took_too_long_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_module, "_REQUEST_SECONDS", 0.2)
    device = VirtualDevice(loopback_gadget(), _Late())
    outcome: list[int] = []

    def choose() -> None:
        with pytest.raises(DeviceError) as caught:
            device.select_configuration(LOOPBACK)
        outcome.append(caught.value.status)

    chooser = threading.Thread(target=choose)
    chooser.start()
    until(lambda: device._control._waiting, "the request waits")
    behind = start(device, control_urb(Setup(0x80, 0, 0, 0, 2)))
    chooser.join(10)
    assert (outcome, behind.status) == ([Status.TIMEOUT], Status.OK)


class _Stumbling(Firmware):
    """Sends something, and fails right after."""

    def endpoint(self, place: Place) -> InHandler | None:
        if not is_in(place.endpoint.address):
            return None
        self.source = InHandler()
        return self.source

    def stumble(self) -> None:
        self.source.pipe.send(b"sent", end=True)
        raise ZeroDivisionError


def test_what_a_failing_timer_completed_is_handed_out() -> None:
    clock, firmware = VirtualClock(), _Stumbling()
    device = VirtualDevice(loopback_gadget(), firmware, clock=clock)
    waiter = start(device, bulk_in())
    firmware.after(1, firmware.stumble)
    clock.advance(1)
    assert waiter.completions
    assert waiter.data == b"sent"


def test_what_a_failing_thread_completed_is_handed_out() -> None:
    firmware = _Stumbling()
    waiter = start(VirtualDevice(loopback_gadget(), firmware), bulk_in())
    with pytest.raises(ZeroDivisionError), firmware.running():
        firmware.stumble()
    assert waiter.completions
    assert waiter.data == b"sent"


class _SlowToLeave(Firmware):
    """Takes until ``leave`` to notice that it was closed."""

    def __init__(self) -> None:
        self.entered, self.leave = threading.Event(), threading.Event()

    def detached(self) -> None:
        self.entered.set()
        assert self.leave.wait(10)


def test_a_device_is_closed_once_its_firmware_knows() -> None:
    firmware = _SlowToLeave()
    device = VirtualDevice(loopback_gadget(), firmware)
    closer = threading.Thread(target=device.close)
    closer.start()
    assert firmware.entered.wait(10)
    assert not device.closed
    firmware.leave.set()
    closer.join(10)
    assert device.closed


def test_an_old_opening_does_not_take_the_board_from_a_new_one() -> None:
    firmware = Firmware()
    old, new = VirtualDevice(loopback_gadget(), firmware), VirtualDevice(loopback_gadget(), firmware)
    old.close()
    assert firmware.board is new
    new.close()
    assert firmware.board is None
