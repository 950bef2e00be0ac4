"""How long a small packet takes through a bulk loopback: a write, and the read that brings it back."""

from __future__ import annotations

import time

from hil.clients.bulk_pipes import chosen, loop
from hil.clients.tally import Tally
from wslusb.errors import DeviceError
from wslusb.usb.urb import Status

from .opened import opened

__all__ = ["run"]

_WARM_UP = 5
_SECONDS = 5.0
_ROOM = 1024
"""The largest packet of a bulk endpoint (USB 3.2, 9.6.6)."""


def run(target: str, busid: str, count: int, also_source_sink: bool, size: int = 64) -> list[float]:
    """Microseconds of each. DeviceError if one fails."""
    with (
        opened(target, busid) as device,
        chosen(device, loop(device.info, also_source_sink=also_source_sink)) as pipes,
    ):
        taken = []
        for number in range(-_WARM_UP, count):
            tally = Tally(device)
            started = time.perf_counter_ns()
            read = tally.submit(pipes.read(_ROOM))
            tally.submit(pipes.write(bytes(size)))
            if not tally.wait(_SECONDS) or read.status != Status.OK or read.length != size:
                raise DeviceError(read.status or Status.TIMEOUT, f"echo number {number}")
            if number >= 0:
                taken.append((time.perf_counter_ns() - started) / 1000)
    return taken
