"""As many reads as a device may have in flight wait, after much has gone through: whether a request is answered."""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import Any

from hil.clients.bulk_pipes import BulkPipes, loop, needed
from hil.clients.tally import Tally
from wslusb.device import sync
from wslusb.device.api import Device
from wslusb.errors import DeviceError
from wslusb.usb.ids import DIR_IN
from wslusb.usb.setup import Request, Setup
from wslusb.usb.urb import Status, Urb, UrbFlag

from .opened import opened

__all__ = ["run"]

_SECONDS = 10.0
_CANCEL_SECONDS = 60.0
_PIECE = b"to and fro"
_GET_STATUS = Setup(DIR_IN, Request.GET_STATUS, 0, 0, 2)


def run(target: str, busid: str, transfers: int, crowd: int, also_source_sink: bool) -> dict[str, Any]:
    """``transfers`` go through a loopback and back, then ``crowd`` reads wait.

    ``answer`` is how a GET_STATUS ends meanwhile, ``statuses`` how the reads did when they were taken back.
    """
    with opened(target, busid) as device:
        pipes = needed(loop(device.info, also_source_sink=also_source_sink))
        original = device.info.active_configuration
        pipes.choose(device)
        try:
            for _ in range(transfers):
                _there_and_back(device, pipes)
            waiting = Tally(device)
            for _ in range(crowd):
                waiting.submit(_read(pipes))
            answer = sync.control(device, _GET_STATUS, seconds=_SECONDS)
            waiting.cancel(reversed(waiting.unanswered))
            waiting.wait(_CANCEL_SECONDS)
        finally:
            with contextlib.suppress(DeviceError):  # what came before it is what matters
                device.select_configuration(original or pipes.configuration)
    statuses = Counter(flight.outcome for flight in waiting.flights)
    return {"answer": Status(answer.status).name, "statuses": dict(statuses), "wrong": waiting.wrong}


def _there_and_back(device: Device, pipes: BulkPipes) -> None:
    write = Urb(0, pipes.sink.address, pipes.sink.transfer, len(_PIECE), data=_PIECE)
    for urb in (write, _read(pipes)):
        result = sync.transfer(device, urb, _SECONDS)
        if result.status != Status.OK or result.actual_length != len(_PIECE):
            raise DeviceError(result.status, f"{result.actual_length} of {len(_PIECE)} bytes on {urb.endpoint:#04x}")


def _read(pipes: BulkPipes) -> Urb:
    return Urb(0, pipes.source.address, pipes.source.transfer, pipes.source.max_packet_size & 0x7FF, UrbFlag.SHORT_OK)
