"""A read that gets less than it has room for, by whole packets, and is taken back: what it has brought."""

from __future__ import annotations

import time
from typing import Any

from hil.clients.bulk_pipes import chosen, loop
from hil.clients.tally import Tally

from .opened import opened

__all__ = ["run"]

_SECONDS = 10.0
_ON_ITS_WAY_SECONDS = 0.5
_PACKETS = 2


def run(target: str, busid: str, also_source_sink: bool) -> dict[str, Any]:
    """``status`` and ``came`` of the read, ``sent``: bytes. Nothing says that the transfer ends with these packets."""
    with (
        opened(target, busid) as device,
        chosen(device, loop(device.info, also_source_sink=also_source_sink)) as pipes,
    ):
        size = _PACKETS * pipes.source.packet_size
        tally = Tally(device)
        read = tally.submit(pipes.read(4 * size))
        data = bytes(index % 251 for index in range(size))
        tally.submit(pipes.write(data))
        time.sleep(_ON_ITS_WAY_SECONDS)
        tally.cancel([read])
        tally.wait(_SECONDS)
    return {"status": read.outcome, "sent": size, "came": len(read.data), "same": read.data == data}
