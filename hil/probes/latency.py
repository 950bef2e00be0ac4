"""How long one control transfer takes: GET_STATUS of the device, one after the other."""

from __future__ import annotations

import time

from wslusb.device import sync
from wslusb.errors import DeviceError
from wslusb.usb.urb import Status

from .opened import opened
from .shortest import GET_STATUS

__all__ = ["run"]

_WARM_UP = 10


def run(target: str, busid: str, count: int) -> list[float]:
    """Microseconds of each. DeviceError if one fails."""
    with opened(target, busid) as device:
        taken = []
        for number in range(-_WARM_UP, count):
            started = time.perf_counter_ns()
            result = sync.control(device, GET_STATUS)
            taken_ns = time.perf_counter_ns() - started
            if result.status != Status.OK:
                raise DeviceError(result.status, f"GET_STATUS number {number}")
            if number >= 0:
                taken.append(taken_ns / 1000)
    return taken
