"""Transfers of given sizes through a loopback, one after the other, with many reads waiting for them."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from typing import Any

from hil.clients.bulk_pipes import BulkPipes, chosen, loop
from hil.clients.tally import Flight, Tally
from wslusb.device import sync
from wslusb.device.api import Device
from wslusb.usb.urb import Status, UrbFlag

from .opened import opened
from .shortest import GET_STATUS

__all__ = ["run"]

_SECONDS = 20.0
_BY_ITSELF_SECONDS = 0.005


def run(
    target: str, busid: str, sizes: Sequence[int], seed: int, depth: int, silence: float, also_source_sink: bool,
    burst: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """``wrong`` (lines of text), ``lengths`` of what came back, and how ``early`` reads ended.

    Those are early that end in the ``silence`` (seconds) before the first write. ``depth`` reads wait at a time, each
    with room for more than the longest transfer. A ``burst`` queues all writes, and takes back as
    many of the last reads: of as many URBs as may be in flight, that makes room for those that had to wait.
    """
    chance = random.Random(seed)
    pieces = [chance.randbytes(size) for size in sizes]
    with (
        opened(target, busid) as device,
        chosen(device, loop(device.info, also_source_sink=also_source_sink)) as pipes,
    ):
        return _through(device, pipes, pieces, depth, silence, burst=burst)


def _through(
    device: Device, pipes: BulkPipes, pieces: Sequence[bytes], depth: int, silence: float, *, burst: bool
) -> dict[str, Any]:
    outs, ins = Tally(device), Tally(device)
    packet = pipes.source.packet_size
    room = (max(map(len, pieces)) // packet + 2) * packet

    def read() -> Flight:
        return ins.submit(pipes.read(room))

    def write(piece: bytes) -> Flight:
        return outs.submit(pipes.write(piece, UrbFlag.ZERO_PACKET))

    waiting = [read() for _ in range(depth - 1)]
    if burst:  # an answer says that all reads are where they are to wait, and the writes come one by one
        sync.control(device, GET_STATUS)
    waiting.append(read())
    time.sleep(silence)
    early = sorted(each.outcome for each in waiting if each.answers)
    wrong = []
    written = []
    for piece in pieces if burst else ():
        written.append(write(piece))
        time.sleep(_BY_ITSELF_SECONDS)
    ins.cancel(waiting[-len(written) :] if burst else [])
    for number, piece in enumerate(pieces):
        if not burst:
            written.append(write(piece))
            waiting.append(read())
        flight = waiting[number]
        if early or not outs.wait_for(written[number], _SECONDS) or not ins.wait_for(flight, _SECONDS):
            wrong.append(f"transfer {number} ({len(piece)} bytes): write {written[number].outcome or 'pending'}")
            break
        if flight.data != piece:
            wrong.append(f"transfer {number}: {_difference(piece, flight)}")
    ins.cancel(ins.unanswered)
    ins.wait(_SECONDS)
    outs.cancel(outs.unanswered)
    outs.wait(_SECONDS)
    lengths = [each.length for each in ins.completed if each.status == Status.OK]
    disorder = [] if burst else ins.disorder  # the last reads are taken back first
    return {"wrong": [*wrong, *ins.wrong, *outs.wrong, *disorder], "lengths": lengths, "early": early}


def _difference(sent: bytes, back: Flight) -> str:
    if len(sent) != len(back.data):
        return f"{len(sent)} bytes sent, {len(back.data)} came back ({back.outcome})"
    return f"byte {next(at for at, (a, b) in enumerate(zip(sent, back.data, strict=True)) if a != b)} is another"
