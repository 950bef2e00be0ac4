"""Writes that a loopback does not take, because nobody reads what it has: whether a request is answered meanwhile."""

from __future__ import annotations

import time
from typing import Any

from hil.clients.bulk_pipes import chosen, loop
from hil.clients.tally import Tally
from wslusb.device import sync
from wslusb.usb.urb import Status

from .opened import opened
from .shortest import GET_STATUS

__all__ = ["run"]

_SECONDS = 10.0
_ON_THEIR_WAY_SECONDS = 1.0


def run(target: str, busid: str, count: int, length: int, also_source_sink: bool) -> dict[str, Any]:
    """``pending``: how many of ``count`` writes were not taken, ``answer``: how GET_STATUS ended meanwhile.

    The writes are taken back then; ``wrong``: lines of text.
    """
    with (
        opened(target, busid) as device,
        chosen(device, loop(device.info, also_source_sink=also_source_sink)) as pipes,
    ):
        writes = Tally(device)
        for _ in range(count):
            writes.submit(pipes.write(bytes(length)))
        time.sleep(_ON_THEIR_WAY_SECONDS)
        pending = len(writes.unanswered)
        answer = sync.control(device, GET_STATUS, seconds=_SECONDS)
        writes.cancel(reversed(writes.unanswered))
        writes.wait(_SECONDS)
    return {"pending": pending, "answer": Status(answer.status).name, "wrong": writes.wrong}
