"""emulator.device: what needs two threads to be seen. The rest is in the Device contract."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from emulator.device import VirtualDevice
from emulator.devices.loopback import LOOPBACK, LoopbackFirmware, loopback_gadget
from wslusb.usb.urb import Completion, Urb

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
