"""How many bytes a second go through a bulk endpoint, with URBs of some sizes and so many of them at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

from hil.clients.bulk_pipes import needed, source_sink
from wslusb.device.api import Device
from wslusb.errors import DeviceError
from wslusb.usb.descriptors import Endpoint
from wslusb.usb.ids import is_in
from wslusb.usb.urb import Completion, Status, Urb, UrbFlag

from .opened import opened

__all__ = ["run"]

_SECONDS = 60.0
_LEAST = 16
"""URBs that are measured, however large they are."""


def run(
    target: str, busid: str, sizes: Sequence[int], depths: Sequence[int], most: int, samples: int
) -> list[dict[str, Any]]:
    """By ``direction`` ("in", "out"), ``size`` and ``depth``: ``rates``, so many samples in bytes a second.

    A sample moves ``most`` bytes, or what 256 URBs have, if that is less. Sizes that are no whole packets are left out:
    a source has more to say than they hold. DeviceError if one fails.
    """
    with opened(target, busid) as device:
        pipes = needed(source_sink(device.info))
        return [
            {
                "direction": "in" if is_in(pipe.address) else "out", "size": size, "depth": depth,
                "rates": [_rate(device, pipe, size, depth, _count(size, most)) for _ in range(samples)],
            }
            for pipe in (pipes.source, pipes.sink)
            for size in sizes
            if size % pipe.packet_size == 0
            for depth in depths
        ]  # fmt: skip


def _count(size: int, most: int) -> int:
    return max(_LEAST, min(256, most // size))


def _rate(device: Device, pipe: Endpoint, size: int, depth: int, count: int) -> float:
    room = threading.Semaphore(depth)
    failed: list[int] = []

    def done(completion: Completion) -> None:
        if completion.status != Status.OK or completion.actual_length != size:
            failed.append(completion.status)
        room.release()

    data = b"" if is_in(pipe.address) else bytes(size)
    started = time.perf_counter()
    for _ in range(count):
        _take(room)
        device.submit(Urb(0, pipe.address, pipe.transfer, size, UrbFlag.SHORT_OK, data), done)
    for _ in range(depth):
        _take(room)
    seconds = time.perf_counter() - started
    if failed:
        raise DeviceError(failed[0], f"a URB of {size} bytes to endpoint {pipe.address:#04x}")
    return count * size / seconds


def _take(room: threading.Semaphore) -> None:
    if not room.acquire(timeout=_SECONDS):
        raise DeviceError(Status.TIMEOUT, f"no URB completed within {_SECONDS:.0f} s")
