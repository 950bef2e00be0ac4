"""A stream through a loopback whose reads are taken back at random: not a byte may be lost or change its place."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

from hil.clients.bulk_pipes import BulkPipes, chosen, loop
from hil.clients.tally import Tally
from wslusb.device.api import Device
from wslusb.usb.urb import UrbFlag

from .opened import opened

__all__ = ["run"]

_SECONDS = 20.0
_SIZES = (1, 64, 511, 512, 513, 1024, 2000)
"""None longer than what Linux' loopback takes at a time (f_loopback.c, 4096)."""
_ROOM = 4096
_DEPTH = 4


def run(target: str, busid: str, writes: int, seed: int, also_source_sink: bool, share: float = 0.3) -> dict[str, Any]:
    """``statuses`` of the reads, ``wrong`` (lines of text), ``sent`` and ``received`` in bytes, ``same``.

    Before and after ``share`` of the writes, reads are taken back.
    """
    chance = random.Random(seed)
    with (
        opened(target, busid) as device,
        chosen(device, loop(device.info, also_source_sink=also_source_sink)) as pipes,
    ):
        return _stream(device, pipes, writes, chance, share)


def _stream(device: Device, pipes: BulkPipes, writes: int, chance: random.Random, share: float) -> dict[str, Any]:
    pieces = [chance.randbytes(chance.choice(_SIZES)) for _ in range(writes)]
    outs, ins = Tally(device), Tally(device)
    for piece in pieces:
        while len(ins.unanswered) < _DEPTH:
            ins.submit(pipes.read(_ROOM))
        if chance.random() < share:
            ins.cancel([chance.choice(ins.unanswered)])  # nothing is on its way to it
        write = outs.submit(pipes.write(piece, UrbFlag.ZERO_PACKET))
        if chance.random() < share:
            ins.cancel(ins.flights[-_DEPTH:])  # something is
        outs.wait_for(write, _SECONDS)
    sent = b"".join(pieces)
    while sum(flight.length for flight in ins.completed) < len(sent):
        oldest = ins.unanswered[0] if ins.unanswered else ins.submit(pipes.read(_ROOM))
        if not ins.wait_for(oldest, _SECONDS):
            break
    ins.cancel(ins.unanswered)
    ins.wait(_SECONDS)
    received = b"".join(flight.data for flight in ins.completed)
    bad = {flight.outcome for flight in outs.flights} - {"OK"}
    return {
        "statuses": dict(Counter(flight.outcome for flight in ins.flights)),
        "wrong": [*outs.wrong, *ins.wrong, *outs.disorder, *(f"a write ended with {status}" for status in bad)],
        "sent": len(sent), "received": len(received), "same": received == sent,
    }  # fmt: skip
