"""Reads with a time-out, as libusb does them, on Gadget Zero's Loopback: no byte of a read that timed out may be lost.

Each round writes one request of the gadget's (4096 bytes) and reads with a buffer that this does not fill, so that the
read always ends by its time-out: after the bytes have come, before they have, or just then.

python trickle.py SERIAL ROUNDS SEED
"""

from __future__ import annotations

import json
import random
import sys

import usbfs

OUT, IN, ECHO = 0x02, 0x81, 4096


def read(device: usbfs.Device, seconds: float) -> bytes:
    """What libusb_bulk_transfer does with a time-out."""
    urb = device.submit(usbfs.Urb(IN, 4 * ECHO))
    reaped = device.reap(seconds)
    while reaped is not urb:
        if reaped is None:
            device.discard(urb)
        reaped = device.reap(10)
    return urb.data


def main() -> None:
    """Trickle, and compare."""
    serial, rounds, chance = sys.argv[1], int(sys.argv[2]), random.Random(int(sys.argv[3]))
    device = usbfs.Device(serial)
    device.configure(2)
    device.number(usbfs.CLAIMINTERFACE, 0)
    sent, received, partial = b"", b"", 0
    for _ in range(rounds):
        piece = chance.randbytes(ECHO)
        out = device.submit(usbfs.Urb(OUT, piece))
        if device.reap(10) is not out or out.actual != ECHO:
            raise SystemExit(f"a write ended with {out.status} after {out.actual} bytes")
        sent += piece
        got = read(device, chance.choice((0, 0.0005, 0.001, 0.002, 0.004, 0.1)))
        received += got
        partial += bool(got)
    while got := read(device, 0.5):
        received += got
    if received != sent:
        raise SystemExit(f"sent {len(sent)} bytes, {len(received)} came back, the same: {sent.startswith(received)}")
    print(json.dumps({"bytes": len(received), "partial": partial}))


if __name__ == "__main__":
    main()
