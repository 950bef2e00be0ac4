"""Plays the steps of a walk that are done with an attached device, and takes down what was seen; judges nothing."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from hil.clients.bulk_pipes import BulkPipes, loop, source_sink
from hil.clients.tally import Tally
from wslusb.device import sync
from wslusb.device.api import Device
from wslusb.errors import DeviceError
from wslusb.usb.descriptors import Endpoint
from wslusb.usb.ids import DIR_IN, DescriptorType
from wslusb.usb.setup import Request, Setup
from wslusb.usb.urb import Status, Urb, UrbFlag

from .steps import Step

__all__ = ["Player", "Seen", "pattern", "whole_packets"]

_SETTLE_SECONDS = 0.005
_VENDOR_OUT, _VENDOR_IN = (0x40, 0x5B), (0xC0, 0x5C)
"""drivers/usb/gadget/function/f_sourcesink.c, sourcesink_setup."""


@dataclass(slots=True, frozen=True)
class Seen:
    """What became of one step: the status and, for IN, the data (hexadecimal) of each URB in order of submission.

    ``wrong`` are answers that did not come, came twice or in the wrong order: wrong whatever the step was.
    """

    statuses: Sequence[str]
    data: Sequence[str] = ()
    wrong: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """For a line of text."""
        return {"statuses": list(self.statuses), "data": list(self.data), "wrong": list(self.wrong)}


def pattern(size: int, number: int) -> bytes:
    """The data of the ``number``-th URB of a step: such that no two are alike."""
    return random.Random(size << 8 | number).randbytes(size)


def whole_packets(size: int, pipe: Endpoint) -> int:
    """So many bytes, filled up to whole packets: what does not fit into a buffer is babble (USB 2.0, 8.7.4)."""
    packet = pipe.packet_size
    return -(-size // packet) * packet


class Player:
    """On one open device.

    ``patience``: seconds after which a URB that is to come is taken back (TIMEOUT), and one that was is given up.
    """

    def __init__(self, device: Device, traits: Collection[str], patience: float) -> None:
        self._device = device
        self._patience = patience
        info = device.info
        self._source_sink = source_sink(info) if "source-sink" in traits else None
        self._loop = loop(info, also_source_sink=self._source_sink is not None) if "bulk-loopback" in traits else None
        self._chosen: BulkPipes | None = None

    def play(self, steps: Iterable[Step]) -> list[Seen]:
        """All of them. A state change that the device refuses is seen as the status of its step."""
        return [self._play(step) for step in steps]

    def _play(self, step: Step) -> Seen:
        try:
            return self._PLAYS[step.name](self, step)
        except DeviceError as error:
            return Seen([Status(error.status).name])

    # -- endpoint zero

    def _describe(self, step: Step) -> Seen:
        return self._control(Setup(DIR_IN, Request.GET_DESCRIPTOR, DescriptorType.DEVICE << 8, 0, step.size))

    def _memory(self, step: Step) -> Seen:
        wrote = self._control(Setup(*_VENDOR_OUT, 0, 0, step.size), pattern(step.size, 0))
        read = self._control(Setup(*_VENDOR_IN, 0, 0, step.size))
        return Seen([*wrote.statuses, *read.statuses], read.data, [*wrote.wrong, *read.wrong])

    def _control(self, setup: Setup, data: bytes = b"") -> Seen:
        result = sync.control(self._device, setup, data, self._patience)
        return Seen([Status(result.status).name], [result.data.hex()])

    def _reset(self, step: Step) -> Seen:  # noqa: ARG002 - one of many
        self._chosen = None
        self._device.reset()
        return Seen(["OK"])

    # -- bulk pipes

    def _choose(self, pipes: BulkPipes | None, *, anew: bool) -> BulkPipes:
        if pipes is None:
            raise DeviceError(Status.NOT_SUPPORTED, "the device has no such pipes")
        if anew or self._chosen is not pipes:
            self._chosen = None
            pipes.choose(self._device)
            self._chosen = pipes
        return pipes

    def _read(self, step: Step) -> Seen:
        pipe = self._choose(self._source_sink, anew=False).source
        return self._queue([_reading(pipe, step.size) for _ in range(step.count)])

    def _send(self, step: Step) -> Seen:
        pipe = self._choose(self._source_sink, anew=False).sink
        return self._queue([_writing(pipe, bytes(step.size)) for _ in range(step.count)])

    def _echo(self, step: Step) -> Seen:
        """Reads first, so that what comes back finds them waiting; a write of full packets ends with an empty one."""
        pipes = self._choose(self._loop, anew=True)
        size = step.size
        reads = [_reading(pipes.source, size + 1) for _ in range(step.count)]
        writes = [_writing(pipes.sink, pattern(size, number)) for number in range(step.count)]
        return self._queue([*reads, *writes])

    def _race(self, step: Step) -> Seen:
        """Reads that complete at once, taken back: either may win."""
        pipe = self._choose(self._source_sink, anew=False).source
        return self._taken_back([_reading(pipe, step.size) for _ in range(step.count)])

    def _cancel(self, step: Step) -> Seen:
        """Reads that nothing is coming for, taken back."""
        pipe = self._choose(self._loop, anew=True).source
        return self._taken_back([_reading(pipe, step.size) for _ in range(step.count)])

    def _queue(self, urbs: Sequence[Urb]) -> Seen:
        tally = Tally(self._device)
        for urb in urbs:
            tally.submit(urb)
        if tally.wait(self._patience):
            return self._seen(tally)
        late = {flight.number for flight in tally.unanswered}
        tally.cancel(tally.unanswered)
        return self._seen(tally, late)

    def _taken_back(self, urbs: Sequence[Urb]) -> Seen:
        tally = Tally(self._device)
        for urb in urbs:
            tally.submit(urb)
        tally.cancel(tally.flights)
        return self._seen(tally)

    def _seen(self, tally: Tally, late: Collection[int] = ()) -> Seen:
        tally.wait(self._patience)
        tally.settle(_SETTLE_SECONDS)
        outcomes = ["TIMEOUT" if flight.number in late else flight.outcome for flight in tally.flights]
        if set(outcomes) - {"OK", "CANCELLED"}:
            self._chosen = None  # what is in the pipes now is anybody's guess
        return Seen(
            outcomes,
            [flight.data.hex() for flight in tally.flights if flight.urb.is_in],
            tally.wrong + ([] if late else tally.disorder),
        )

    _PLAYS: ClassVar[Mapping[str, Callable[[Player, Step], Seen]]] = {
        "describe": _describe, "memory": _memory, "reset": _reset, "read": _read,
        "send": _send, "race": _race, "echo": _echo, "cancel": _cancel,
    }  # fmt: skip


def _reading(pipe: Endpoint, size: int) -> Urb:
    return Urb(0, pipe.address, pipe.transfer, whole_packets(size, pipe), UrbFlag.SHORT_OK)


def _writing(pipe: Endpoint, data: bytes) -> Urb:
    return Urb(0, pipe.address, pipe.transfer, len(data), UrbFlag.ZERO_PACKET, data)
