"""Small things that a user's program does to a device node.

python ask.py SERIAL reset           USBDEVFS_RESET: the kernel resets the port and enumerates the device anew
python ask.py SERIAL configure NUMBER
                                     SET_CONFIGURATION, and the kernel's drivers for its interfaces
python ask.py SERIAL descriptor      GET_DESCRIPTOR(DEVICE) with the length that the kernel uses in an enumeration
"""

from __future__ import annotations

import sys

import usbfs


def main() -> None:
    """Do it."""
    device = usbfs.Device(sys.argv[1])
    if sys.argv[2] == "reset":
        device.call(usbfs.RESET)
    elif sys.argv[2] == "configure":
        if (device.folder / "bConfigurationValue").read_text().strip() != sys.argv[3]:
            (device.folder / "bConfigurationValue").write_text(sys.argv[3])
    else:
        print(device.control(0x80, 6, 0x0100, 0, 64).hex())


if __name__ == "__main__":
    main()
