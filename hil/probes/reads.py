"""Reads on a device that always has something to say, one at a time: how each ended."""

from __future__ import annotations

from hil.clients.bulk_pipes import needed, source_sink
from wslusb.device import sync
from wslusb.usb.urb import Status

from .opened import opened

__all__ = ["run"]

_SECONDS = 10.0


def run(target: str, busid: str, count: int, length: int) -> list[str]:
    """``OK 512``: the status and the bytes that came, a read each. A halt is cleared before the next one."""
    with opened(target, busid) as device:
        pipes = needed(source_sink(device.info))
        ended = []
        for _ in range(count):
            result = sync.transfer(device, pipes.read(length), _SECONDS)
            ended.append(f"{Status(result.status).name} {len(result.data)}")
            if result.status == Status.STALL:
                device.clear_halt(pipes.source.address)
        return ended
