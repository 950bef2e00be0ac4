"""The port is reset while reads and writes are under way; whether the device works at once afterwards."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from hil.clients.bulk_pipes import needed, source_sink
from hil.clients.tally import Tally
from wslusb.device import sync
from wslusb.device.api import Device
from wslusb.usb.ids import DIR_IN
from wslusb.usb.setup import Request, Setup
from wslusb.usb.urb import Status

from .opened import opened

__all__ = ["run"]

_SECONDS = 10.0
_UNDER_WAY_SECONDS = 0.002
_SIZE, _DEPTH = 16384, 8


def run(target: str, busid: str, rounds: int) -> dict[str, Any]:
    """``statuses`` of what was under way, ``wrong`` (lines of text), ``after``: statuses of a read after each reset."""
    statuses: Counter[str] = Counter()
    wrong: list[str] = []
    after: Counter[str] = Counter()
    with opened(target, busid) as device:
        pipes = needed(source_sink(device.info))
        for _ in range(rounds):
            tally = Tally(device)
            for _ in range(_DEPTH):
                tally.submit(pipes.read(_SIZE))
                tally.submit(pipes.write(bytes(_SIZE)))
            time.sleep(_UNDER_WAY_SECONDS)
            device.reset()
            tally.wait(_SECONDS)
            statuses.update(flight.outcome for flight in tally.flights)
            wrong += tally.wrong
            if not _configured(device):
                pipes.choose(device)
            after[Status(sync.transfer(device, pipes.read(_SIZE), _SECONDS).status).name] += 1
    return {"statuses": dict(statuses), "wrong": wrong, "after": dict(after)}


def _configured(device: Device) -> bool:
    """A kernel has put the configuration back by itself; a virtual device in process has nobody who does."""
    return sync.control(device, Setup(DIR_IN, Request.GET_CONFIGURATION, 0, 0, 1)).data != b"\0"
