"""Many reads on a device that always has something to say, so many of them at a time."""

from __future__ import annotations

import threading
from collections import Counter

from hil.clients.bulk_pipes import needed, source_sink
from wslusb.errors import DeviceError
from wslusb.usb.urb import Completion, Status, Urb, UrbFlag

from .opened import opened

__all__ = ["run"]

_SECONDS = 60.0


def run(target: str, busid: str, count: int, length: int, depth: int) -> dict[str, int]:
    """How many URBs ended so. DeviceError (TIMEOUT) if one does not end within a minute."""
    statuses: Counter[str] = Counter()
    room = threading.Semaphore(depth)

    def done(completion: Completion) -> None:
        statuses[Status(completion.status).name] += 1
        room.release()

    with opened(target, busid) as device:
        pipe = needed(source_sink(device.info)).source
        for number in range(count + depth):
            if not room.acquire(timeout=_SECONDS):
                raise DeviceError(Status.TIMEOUT, f"no URB has ended within {_SECONDS:.0f} s, after {number - depth}")
            if number < count:
                device.submit(Urb(0, pipe.address, pipe.transfer, length, UrbFlag.SHORT_OK), done)
    return dict(statuses)
