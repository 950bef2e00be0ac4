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
