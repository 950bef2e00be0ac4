"""A HID thermometer: usbhid binds it, and /dev/hidraw0 says a temperature every second, in tenths of a degree."""

from __future__ import annotations

import struct

from emulator.firmware import Firmware, InHandler
from emulator.gadget import Gadget, Place
from emulator.model import Kind, Model
from emulator.options import Options
from wslusb.usb.descriptors import Configuration, DeviceDescriptor, Endpoint, Interface
from wslusb.usb.descriptors_extra import class_specific
from wslusb.usb.ids import ClassCode, DescriptorType, Speed, TransferType
from wslusb.usb.setup import Setup

REPORT = bytes.fromhex("06 00 ff 09 01 a1 01 09 02 16 00 80 26 ff 7f 75 10 95 01 81 02 c0")  # one signed number
HID = class_specific(DescriptorType.HID, struct.pack("<HBBBH", 0x0111, 0, 1, 0x22, len(REPORT)))  # HID 1.11, 6.2.1
READINGS = Endpoint(0x81, TransferType.INTERRUPT, 8, interval=10)
GADGET = Gadget(
    device=DeviceDescriptor(0x1209, 0x0004, manufacturer=1, product_string=2),
    configurations=(Configuration(1, [Interface(0, 0, ClassCode.HID, endpoints=[READINGS], extra=[HID])]),),
    strings=("Example", "Thermometer"),
    speed=Speed.FULL,
)


class Thermometer(Firmware):
    """It gets warmer by a tenth of a degree a second."""

    def __init__(self, tenths: int) -> None:
        self.tenths = tenths

    def endpoint(self, place: Place) -> InHandler:  # noqa: ARG002 -- there is but one
        """The host has chosen the configuration: readings begin."""
        self.readings = InHandler()
        self.after(1.0, self.read)
        return self.readings

    def read(self) -> None:
        """One a second, and none that the host does not fetch."""
        if not self.readings.pipe.queued:
            self.readings.pipe.send(struct.pack("<h", self.tenths))
        self.tenths += 1
        self.after(1.0, self.read)

    def control(self, setup: Setup, data: memoryview) -> bytes | None:  # noqa: ARG002 -- nothing to set
        """The report descriptor (HID 1.11, 7.1.1); SET_IDLE is taken, anything else stalled."""
        if (setup.request_type, setup.request, setup.value) == (0x81, 6, 0x2200):
            return REPORT
        return b"" if (setup.request_type, setup.request) == (0x21, 0x0A) else None


def make(options: Options) -> Model:
    """A thermometer that starts at so many degrees."""
    return Model(GADGET, Thermometer(10 * options.integer("celsius", 20, 0, 99)))


OPTIONS = {"celsius": "degrees to start at (default 20)"}
KIND = Kind(name="thermometer", summary="a HID thermometer", make=make, options=OPTIONS, driver="usbhid")
