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
from wslusb.usb.urb import Status, Urb

from .opened import opened
from .shortest import GET_STATUS

__all__ = ["run"]

_SECONDS = 10.0
_CANCEL_SECONDS = 60.0
_ROUNDS = 2
_PIECE = b"to and fro"


def run(target: str, busid: str, transfers: int, crowd: int, more: int, also_source_sink: bool) -> dict[str, Any]:
    """``transfers`` go through a loopback and back; then, twice, ``crowd`` reads wait.

    ``answers`` are how a GET_STATUS ends meanwhile. ``more`` reads are queued, and all are taken back, the last ones
    first: ``statuses`` is how they ended.
    """
    answers: list[str] = []
    statuses: Counter[str] = Counter()
    wrong: list[str] = []
    with opened(target, busid) as device:
        pipes = needed(loop(device.info, also_source_sink=also_source_sink))
        original = device.info.active_configuration
        pipes.choose(device)
        try:
            for _ in range(transfers):
                _there_and_back(device, pipes)
            for _ in range(_ROUNDS):
                waiting = Tally(device)
                _queue(waiting, pipes, crowd)
                answer = sync.control(device, GET_STATUS, seconds=_SECONDS)
                _queue(waiting, pipes, more)
                waiting.cancel(reversed(waiting.unanswered))
                waiting.wait(_CANCEL_SECONDS)
                answers.append(Status(answer.status).name)
                statuses.update(flight.outcome for flight in waiting.flights)
                wrong += waiting.wrong
        finally:
            with contextlib.suppress(DeviceError):  # what came before it is what matters
                device.select_configuration(original or pipes.configuration)
    return {"answers": answers, "statuses": dict(statuses), "wrong": wrong}


def _queue(waiting: Tally, pipes: BulkPipes, count: int) -> None:
    for _ in range(count):
        waiting.submit(_read(pipes))


def _there_and_back(device: Device, pipes: BulkPipes) -> None:
    for urb in (pipes.write(_PIECE), _read(pipes)):
        result = sync.transfer(device, urb, _SECONDS)
        if result.status != Status.OK or result.actual_length != len(_PIECE):
            raise DeviceError(result.status, f"{result.actual_length} of {len(_PIECE)} bytes on {urb.endpoint:#04x}")


def _read(pipes: BulkPipes) -> Urb:
    return pipes.read(pipes.source.packet_size)
