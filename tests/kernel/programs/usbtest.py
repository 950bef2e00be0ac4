"""What tools/usb/testusb.c does: run cases of the kernel's usbtest driver on a device, one line of JSON each.

python usbtest.py SERIAL CASE[:ITERATIONS[:LENGTH[:VARY[:SGLEN]]]] ...
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import time

import usbfs


class Parameters(ctypes.Structure):
    """struct usbtest_param_64 (drivers/usb/misc/usbtest.c)."""

    _fields_ = (
        ("number", ctypes.c_uint32),
        ("iterations", ctypes.c_uint32),
        ("length", ctypes.c_uint32),
        ("vary", ctypes.c_uint32),
        ("sglen", ctypes.c_uint32),
        ("seconds", ctypes.c_int64),
        ("microseconds", ctypes.c_int64),
    )


USBTEST_REQUEST = 3 << 30 | ctypes.sizeof(Parameters) << 16 | ord("U") << 8 | 100


def main() -> None:
    """Run the cases."""
    device = usbfs.Device(sys.argv[1])
    for words in sys.argv[2:]:
        given = [int(word) for word in words.split(":")]
        number, iterations, length, vary, sglen = given + [1, 512, 512, 4][len(given) - 1 :]
        started, problem = time.monotonic(), ""
        try:
            device.driver_call(0, USBTEST_REQUEST, Parameters(number, iterations, length, vary, sglen))
        except OSError as error:
            problem = os.strerror(error.errno or 0)
        seconds = round(time.monotonic() - started, 3)
        print(json.dumps({"case": words, "problem": problem, "seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
