"""A light: vendor requests set its colour and read it back; its button reports on an endpoint. blink.py uses it."""

from __future__ import annotations

from emulator.firmware import Firmware, InHandler
from emulator.gadget import Gadget, Place
from emulator.model import Kind, Model
from emulator.options import Options
from wslusb.usb.descriptors import Configuration, DeviceDescriptor, Endpoint, Interface
from wslusb.usb.ids import ClassCode, TransferType
from wslusb.usb.setup import Setup

SET_COLOUR, GET_COLOUR = 1, 2
BUTTON = Endpoint(0x81, TransferType.INTERRUPT, 8, interval=4)


def gadget(serial: str) -> Gadget:
    """What the host is told."""
    return Gadget(
        device=DeviceDescriptor(0x1209, 0x0003, 0x0200, ClassCode.VENDOR, manufacturer=1, product_string=2, serial=3),
        configurations=(Configuration(1, [Interface(0, endpoints=[BUTTON])]),),
        strings=("Example", "Light", serial),
    )


class Light(Firmware):
    """What it does. The button is pressed by whoever sets the colour to black."""

    def __init__(self) -> None:
        self.colour = b"\0\0\0"
        self.button = InHandler()

    def endpoint(self, place: Place) -> InHandler:  # noqa: ARG002 -- there is but one
        """The button's end: what is sent there waits until the host asks."""
        return self.button

    def control(self, setup: Setup, data: memoryview) -> bytes | None:
        """Red, green and blue, one byte each; anything else is stalled."""
        if (setup.request_type, setup.request, setup.length) == (0x40, SET_COLOUR, 3):
            self.colour = bytes(data)
            if not any(data):
                self.button.pipe.send(b"pressed")
            return b""
        return self.colour if (setup.request_type, setup.request) == (0xC0, GET_COLOUR) else None


def make(options: Options) -> Model:
    """A light with the serial number that was asked for."""
    return Model(gadget(options.serial("LIGHT1")), Light())


KIND = Kind(name="light", summary="a light with a button", make=make, options={"serial": "serial number"})
