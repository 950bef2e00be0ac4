"""A read that gets less than it has room for, by whole packets, and is taken back: what it has brought."""

from __future__ import annotations

import time
from typing import Any

from hil.bulk_pipes import loop
from hil.tally import Tally
from wslusb.errors import DeviceError
from wslusb.usb.urb import Status, Urb, UrbFlag

from .opened import opened

__all__ = ["run"]

_SECONDS = 10.0
_ON_ITS_WAY_SECONDS = 0.5
_PACKETS = 2


def run(target: str, busid: str, also_source_sink: bool) -> dict[str, Any]:
    """``status`` and ``came`` of the read, ``sent``: bytes. Nothing says that the transfer ends with these packets."""
    with opened(target, busid) as device:
        pipes = loop(device.info, also_source_sink=also_source_sink)
        if pipes is None:
            raise DeviceError(Status.NOT_SUPPORTED, "the device has no bulk IN and OUT endpoints in one setting")
        original = device.info.active_configuration
        pipes.choose(device)
        try:
            size = _PACKETS * (pipes.source.max_packet_size & 0x7FF)
            tally = Tally(device)
            read = tally.submit(Urb(0, pipes.source.address, pipes.source.transfer, 4 * size, UrbFlag.SHORT_OK))
            data = bytes(index % 251 for index in range(size))
            tally.submit(Urb(0, pipes.sink.address, pipes.sink.transfer, size, data=data))
            time.sleep(_ON_ITS_WAY_SECONDS)
            tally.cancel([read])
            tally.wait(_SECONDS)
        finally:
            if original:
                device.select_configuration(original)
    return {"status": read.outcome, "sent": size, "came": len(read.data), "same": read.data == data}
