"""Printers: what they say of themselves and of their paper is the same on both sides. Nothing is printed."""

from __future__ import annotations

import pytest

from hil.errors import WantingError
from hil.harness.fixtures import Both
from hil.live.device import LiveDevice
from hil.live.side import Side
from hil.suite.interfaces import of_class
from wslusb.usb.ids import ClassCode

pytestmark = pytest.mark.trait("printer")

_GET_DEVICE_ID, _GET_PORT_STATUS = 0, 1
_ID_LENGTHS = (2, 64, 1023)


def _device_id(dut: LiveDevice, length: int) -> list[object]:
    """GET_DEVICE_ID (Printer class 1.1, 4.2.1): configuration, interface and setting, the last two in wIndex."""
    interface = of_class(dut, ClassCode.PRINTER)[0]
    return [0xA1, _GET_DEVICE_ID, 0, interface.number << 8 | interface.alternate, length, ""]


def test_identity_and_status_are_the_same(dut: LiveDevice, both: Both) -> None:
    """The IEEE 1284 device ID at several lengths, and the port's status."""
    number = of_class(dut, ClassCode.PRINTER)[0].number
    requests = [*(_device_id(dut, length) for length in _ID_LENGTHS), [0xA1, _GET_PORT_STATUS, 0, number, 1, ""]]
    native, passthrough = both.probe("requests", requests=requests)
    assert passthrough == native


def test_the_guest_s_driver_has_its_identity(dut: LiveDevice) -> None:
    """What usblp shows in sysfs is what the device said on its host."""
    answer = dut.native().probe("requests", requests=[_device_id(dut, _ID_LENGTHS[-1])])[0]
    side: Side = dut.passthrough()
    shown = side.place.run(f"cat /sys/bus/usb/devices/{side.busid}/*/ieee1284_id", check=False).stdout.strip()
    if not shown:
        raise WantingError("no usblp in the guest has it")
    assert shown == bytes.fromhex(answer["data"])[2:].decode("latin-1").strip()
