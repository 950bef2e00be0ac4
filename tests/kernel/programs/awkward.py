"""What a program does to the virtual device ``awkward`` in the guest: prints what came of it, 0 or an errno's name.

python awkward.py SERIAL reset       USBDEVFS_RESET
python awkward.py SERIAL vendor      a vendor request
python awkward.py SERIAL interface   SET_INTERFACE to setting 1 of interface 1, twice
"""

from __future__ import annotations

import ctypes
import errno
import struct
import sys
from collections.abc import Callable

import usbfs


def tried(action: Callable[[], object]) -> str:
    """How it ended."""
    try:
        action()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, "?")
    return "0"


def set_interface(device: usbfs.Device) -> None:
    """USBDEVFS_SETINTERFACE."""
    buffer = ctypes.create_string_buffer(struct.pack("II", 1, 1))
    device.call(usbfs.SETINTERFACE, ctypes.addressof(buffer))


def main() -> None:
    """Do it."""
    device = usbfs.Device(sys.argv[1])
    actions: dict[str, list[Callable[[], object]]] = {
        "reset": [lambda: device.call(usbfs.RESET)],
        "vendor": [lambda: device.control(0xC0, 0x42, 0, 0, 8)],
        "interface": [lambda: device.number(usbfs.CLAIMINTERFACE, 1)] + 2 * [lambda: set_interface(device)],
    }
    print(*[tried(action) for action in actions[sys.argv[2]]])


if __name__ == "__main__":
    main()
