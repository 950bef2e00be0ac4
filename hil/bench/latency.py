"""Mean time of a GET_STATUS through usbfs, inside a machine. The same program for every contender.

python -m hil.bench.latency /dev/bus/usb/001/002 300     # prints microseconds
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import sys
import time
from collections.abc import Sequence

__all__ = ["main"]

_CONTROL = 0xC0185500
"""USBDEVFS_CONTROL, _IOWR('U', 0, struct usbdevfs_ctrltransfer), where pointers have 64 bits."""
_WARM_UP = 10


class _ControlTransfer(ctypes.Structure):
    """Linux' struct usbdevfs_ctrltransfer."""

    _fields_ = (
        ("request_type", ctypes.c_uint8),
        ("request", ctypes.c_uint8),
        ("value", ctypes.c_uint16),
        ("index", ctypes.c_uint16),
        ("length", ctypes.c_uint16),
        ("timeout", ctypes.c_uint32),
        ("data", ctypes.c_void_p),
    )


def mean_latency(path: str, count: int) -> float:
    """Microseconds a request, over ``count`` of them one after the other."""
    answer = (ctypes.c_uint8 * 2)()
    request = _ControlTransfer(0x80, 0, 0, 0, 2, 1000, ctypes.addressof(answer))
    node = os.open(path, os.O_RDWR)
    try:
        for _ in range(_WARM_UP):
            fcntl.ioctl(node, _CONTROL, request)
        start = time.perf_counter()
        for _ in range(count):
            fcntl.ioctl(node, _CONTROL, request)
        return (time.perf_counter() - start) / count * 1e6
    finally:
        os.close(node)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure one node."""
    path, count = sys.argv[1:] if arguments is None else arguments
    print(f"{mean_latency(path, int(count)):.1f}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
