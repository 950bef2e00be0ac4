"""Speaks CCID to a card reader through the kernel's usbfs: no card, a card is put in, power, an APDU, no card again.

python ccid.py
"""

from __future__ import annotations

import struct

import usb.backend.libusb1
import usb.core

VENDOR, PRODUCT = 0x1209, 0x0004
OUT, IN, NOTIFY = 0x01, 0x82, 0x83
POWER_ON, STATUS, TRANSFER, PARAMETERS = 0x62, 0x65, 0x6F, 0x6C
MILLISECONDS = 10_000


def main() -> None:
    """Ask, and print what was answered."""
    reader = usb.core.find(idVendor=VENDOR, idProduct=PRODUCT, backend=usb.backend.libusb1.get_backend())
    usb.util.claim_interface(reader, 0)

    def ask(kind: int, data: bytes = b"") -> str:
        reader.write(OUT, struct.pack("<BIBB3s", kind, len(data), 0, 7, bytes(3)) + data, MILLISECONDS)
        answer = bytes(reader.read(IN, 512, MILLISECONDS))
        assert answer[5:7] == bytes((0, 7)), "slot and sequence"
        return f"{answer[0]:02x} {answer[7:9].hex()} {answer[10:].hex()}"

    print("status", ask(STATUS))
    print("power", ask(POWER_ON))
    print("change", bytes(reader.read(NOTIFY, 8, MILLISECONDS)).hex())
    print("power", ask(POWER_ON))
    print("parameters", ask(PARAMETERS))
    print("uid", ask(TRANSFER, bytes.fromhex("ffca000000")))
    print("change", bytes(reader.read(NOTIFY, 8, MILLISECONDS)).hex())
    print("status", ask(STATUS))
    print("clock", bytes(reader.ctrl_transfer(0xA1, 2, 0, 0, 4)).hex())


if __name__ == "__main__":
    main()
