"""A pyusb program for light.py. Without an argument the light is in this process; with one it is at that address.

On its own: ``python docs/examples/blink.py``. Over the protocol: ``python -m emulator run docs/examples/light.py`` says
the address to give it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import usb.core

import emulator
import wslusb.guest

COLOURS = (b"\xff\x00\x00", b"\x00\xff\x00", b"\x00\x00\x00")


def main() -> None:
    """Show every colour, then wait for the button."""
    here = emulator.device_provider(str(Path(__file__).with_name("light.py")))
    backend = wslusb.guest.pyusb_backend(sys.argv[1] if len(sys.argv) > 1 else here)
    light = usb.core.find(idVendor=0x1209, idProduct=0x0003, backend=backend)
    light.set_configuration()
    for colour in COLOURS:
        light.ctrl_transfer(0x40, 1, 0, 0, colour)
        print(light.product, "is", bytes(light.ctrl_transfer(0xC0, 2, 0, 0, 3)).hex())
    print("button:", light.read(0x81, 8).tobytes().decode())


if __name__ == "__main__":
    main()
