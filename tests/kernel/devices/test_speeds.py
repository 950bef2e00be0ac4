"""The loopback at every speed that USB has, as a kernel sees it: sysfs, descriptors, and transfers by usbtest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emulator.devices.loopback import loopback_gadget
from emulator.variants import at_speed
from hil.vm.uml import UmlMachine
from tests.kernel.devices.lab import Lab
from wslusb.usb.ids import Speed

USBTEST = Path(__file__).parents[1] / "programs/usbtest.py"
SERIAL = "SPEEDY"
MEGABITS = {Speed.LOW: "1.5", Speed.FULL: "12", Speed.HIGH: "480", Speed.SUPER: "5000"}
PACKET_0 = {Speed.LOW: "8", Speed.FULL: "64", Speed.HIGH: "64", Speed.SUPER: "9"}
CASES = {
    2: ("9:10", "10:20", "25:10:64", "26:10:64"),
    0: ("1:20:2048", "2:20:2048"),
    1: ("15:2:4096:512:4", "16:2:4096:512:4"),
}
"""usbtest's cases as ``case:iterations:length:vary:queued``, by alternate setting: interrupt, bulk and isochronous
endpoints are in settings of their own, of which its parameter ``alt`` chooses (drivers/usb/misc/usbtest.c)."""
ECHO = """
import sys, usb1
with usb1.USBContext() as context:
    device = context.openByVendorIDAndProductID(0x0525, 0xa4a0)
    device.setAutoDetachKernelDriver(True)
    if device.kernelDriverActive(0):
        device.detachKernelDriver(0)
    device.setConfiguration(2)
    device.claimInterface(0)
    for kind in sys.argv[1:]:
        number = {"bulk": 1, "interrupt": 5}[kind]
        assert getattr(device, kind + "Write")(number, b"x" * 8, 2000) == 8
        print(bytes(getattr(device, kind + "Read")(number, 8, 2000)).decode())
"""
"""A libusb program of the guest: the loopback's other configuration sends back what it gets."""


def read(kernel: UmlMachine, *names: str) -> list[str]:
    """Attributes of the device in sysfs."""
    folder = f"$(dirname $(grep -lx {SERIAL} /sys/bus/usb/devices/*/serial))"
    return [kernel.run(f"cat {folder}/{name}").stdout.strip() for name in names]


def usbtest(lab: Lab, kernel: UmlMachine, alternate: int, *cases: str) -> dict[str, str]:
    """What failed, by case."""
    kernel.run(
        f"set -e; echo {alternate} > /sys/module/usbtest/parameters/alt; cd /sys/bus/usb/drivers/usbtest;"
        " interface=$(echo *:3.0); echo $interface > unbind; echo $interface > bind"
    )
    said = kernel.python(str(USBTEST), SERIAL, *cases).stdout.splitlines()
    results = [json.loads(line) for line in said]
    assert [result["case"] for result in results] == list(cases)
    return {result["case"]: result["problem"] for result in results}


@pytest.mark.parametrize("speed", MEGABITS, ids=lambda speed: speed.name.lower())
def test_a_kernel_sees_the_speed_and_moves_data(lab: Lab, kernel: UmlMachine, speed: Speed) -> None:
    gadget = at_speed(loopback_gadget(SERIAL), speed)
    with lab.plug(f"loopback:speed={speed.name.lower()},serial={SERIAL}"):
        lab.wait_driver_in_guest("usbtest")
        said = read(kernel, "speed", "bMaxPacketSize0", "version", "bNumInterfaces", "bConfigurationValue")
        version = f"{gadget.device.bcd_usb >> 8:x}.{gadget.device.bcd_usb & 0xFF:02x}"
        assert said == [MEGABITS[speed], PACKET_0[speed], version, "1", "3"]
        raw = kernel.run(f"od -An -v -tx1 $(dirname $(grep -lx {SERIAL} /sys/bus/usb/devices/*/serial))/descriptors")
        whole = gadget.device.pack() + b"".join(each.pack() for each in gadget.configurations)
        assert bytes.fromhex(raw.stdout) == whole
        for alternate, cases in CASES.items():
            # At low speed usbtest looks for no endpoints but those of boards that it knows by name.
            if speed > Speed.LOW or alternate == 2:
                todo = cases[:2] if speed == Speed.LOW else cases
                assert set(usbtest(lab, kernel, alternate, *todo).values()) == {""}
        echoes = ["bulk", "interrupt"] if speed > Speed.LOW else ["interrupt"]
        assert kernel.python("-c", ECHO, *echoes).stdout.split() == ["x" * 8] * len(echoes)
