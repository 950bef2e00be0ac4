"""One side's capture, URB by URB: when each was asked and answered, and when its messages passed.

The service's capture has a URB's number on the wire as its key. The agent's has the number that vhci_hcd gave it; the
first request after it with the same endpoint, length and SETUP packet tells which number that became.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from wslusb.capture import pcapfile, usbmon, vsockmon
from wslusb.capture.pcapfile import Packet
from wslusb.capture.pcapng import LINK_USB, LINK_VSOCK
from wslusb.capture.record import Record
from wslusb.capture.vsockmon import Chunk, End
from wslusb.errors import LocalError
from wslusb.replay.story import lane_of
from wslusb.usb.ids import TransferType
from wslusb.usb.setup import Setup
from wslusb.usb.urb import to_errno
from wslusb.wire.frame import HEADER, MessageType
from wslusb.wire.urbs import REQUEST, RESPONSE

from .pieces import Pieces

__all__ = ["MOST_URBS", "Half", "View", "view"]

MOST_URBS = 20_000
"""Finished URBs that are kept of one capture, the last ones."""
_CANCEL = struct.Struct("<I")
"""The number of the URB that is asked back (wslusb/wire/cancels.py)."""
_STATE_CHANGES, _INTRODUCTION = 1 << 32, 1 << 33
"""Keys from here on are of requests that no URB asked for, and of descriptors that open a file (wslusb/capture)."""
_KINDS = frozenset(MessageType)


@dataclass(slots=True, eq=False)
class Half:
    """A URB as one side saw it; times in nanoseconds since 1970 by that side's clock, None for what it did not see.

    ``requested`` and ``responded``: when its messages passed. ``status``: a negative errno. ``data``: its bytes, those
    of the direction that it moves them in. ``said``, ``told`` and ``carried`` are status, length and bytes by the
    messages.
    """

    transfer: int
    endpoint: int
    length: int
    setup: bytes = b""
    sequence: int | None = None
    submitted: int | None = None
    completed: int | None = None
    requested: int | None = None
    responded: int | None = None
    cancelled: int | None = None
    status: int | None = None
    moved: int = 0
    data: Pieces | None = None
    said: int | None = None
    told: int = 0
    carried: Pieces | None = None

    @property
    def times(self) -> list[int]:
        """All that are known."""
        times = (self.submitted, self.requested, self.responded, self.completed, self.cancelled)
        return [time for time in times if time is not None]

    @property
    def request(self) -> Setup | None:
        """The SETUP packet, parsed."""
        return Setup.unpack(self.setup) if self.setup else None


@dataclass(slots=True)
class View:
    """What a side saw, oldest first."""

    halves: list[Half] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def view(path: Path, *, is_host: bool, since: int = 0, until: int | None = None) -> View:
    """Read a capture, in bounded memory: URBs that ended before ``since`` are left out, those that never ended are not.

    What is wrong with the file ends the reading and becomes a note. OSError if there is none.
    """
    reader = _Reader(is_host, since)
    notes = []
    with path.open("rb") as file:
        try:
            for packet in pcapfile.packets(file):
                if until is None or packet.time <= until:
                    reader.packet(packet)
        except LocalError as error:
            notes.append(f"{path.name}: {error}")
    if reader.too_many:
        notes.append(f"{path.name}: {reader.too_many} URBs are left out, those that ended first")
    if len(reader.devices) > 1:
        named = ", ".join(f"{bus}.{device}" for bus, device in sorted(reader.devices))
        notes.append(f"{path.name} has several devices: {named}")
    return View(reader.conclude(), notes)


class _Reader:
    """Packets in, halves out."""

    def __init__(self, is_host: bool, since: int) -> None:
        self.devices: set[tuple[int, int]] = set()
        self.too_many = 0
        self._is_host = is_host
        self._since = since
        self._open: dict[tuple[int, int, int], Half] = {}
        self._sent: dict[int, Half] = {}
        self._unsent: dict[int, deque[Half]] = {}
        self._done: deque[Half] = deque(maxlen=MOST_URBS)
        self._streams: dict[tuple[End, End], _Stream] = {}

    def packet(self, packet: Packet) -> None:
        """The next packet of the file."""
        if packet.link_type == LINK_USB:
            record = usbmon.read(packet.data)
            if record is not None and record.key < _INTRODUCTION:
                self._record(record, packet.time)
        elif packet.link_type == LINK_VSOCK:
            chunk = vsockmon.read(packet.data)
            if chunk is not None:
                self._chunk(chunk, packet.time)

    def conclude(self) -> list[Half]:
        """What was seen, those that never ended included."""
        left = {id(half): half for half in (*self._done, *self._open.values(), *self._sent.values())}
        return sorted((half for half in left.values() if half.times), key=lambda half: min(half.times))

    # -- URBs

    def _record(self, record: Record, time: int) -> None:
        key = (record.bus, record.device, record.key)
        self.devices.add(key[:2])
        if record.first:
            half = self._begun(record)
            half.submitted = time
            self._open[key] = half
            if not record.is_in and not record.iso:
                half.data = Pieces.of(record.data, record.length)
            return
        done = self._open.pop(key, None)
        if done is None:
            return
        done.completed, done.status, done.moved = time, record.status, record.length
        if record.is_in and not record.iso:
            done.data = Pieces.of(record.data, record.length)
        lane = self._unsent.get(lane_of(done.endpoint))
        if lane and done in lane:
            lane.remove(done)
        if done.requested is None or done.responded is not None:
            self._finish(done)

    def _begun(self, record: Record) -> Half:
        if self._is_host and (found := self._asked(record)) is not None:
            return found
        sequence = record.key if self._is_host and record.key < _STATE_CHANGES else None
        half = Half(record.transfer, record.endpoint, record.length, record.setup, sequence)
        if not self._is_host:
            self._unsent.setdefault(lane_of(record.endpoint), deque()).append(half)
        return half

    def _asked(self, record: Record) -> Half | None:
        """The request that this submission follows from: by its number, or a state change by its SETUP packet."""
        if record.key < _STATE_CHANGES:
            half = self._sent.get(record.key)
            return half if half is not None and half.submitted is None else None
        waiting = (half for half in self._sent.values() if half.submitted is None and half.setup == record.setup)
        return next(waiting, None)

    def _finish(self, half: Half) -> None:
        if max(half.times) >= self._since:
            self.too_many += len(self._done) == MOST_URBS
            self._done.append(half)

    # -- messages

    def _chunk(self, chunk: Chunk, time: int) -> None:
        stream = self._streams.setdefault((chunk.source, chunk.destination), _Stream())
        for kind, sequence, payload, size in stream.messages(chunk.data):
            if chunk.to_host and kind == MessageType.URB_REQUEST and len(payload) >= REQUEST.size:
                self._request(sequence, payload, size, time)
            elif chunk.to_host and kind == MessageType.CANCEL and len(payload) >= _CANCEL.size:
                target = self._sent.get(_CANCEL.unpack_from(payload)[0])
                if target is not None:
                    target.cancelled = time
            elif not chunk.to_host and kind == MessageType.URB_RESPONSE and len(payload) >= RESPONSE.size:
                self._response(sequence, payload, size, time)

    def _request(self, sequence: int, payload: bytes, size: int, time: int) -> None:
        _function, endpoint, transfer, _flags, length, *_, packets, packed = REQUEST.unpack_from(payload)
        setup = packed if transfer == TransferType.CONTROL else b""
        half = None if self._is_host else self._waiting(endpoint, length, setup)
        if half is None:
            half = Half(transfer, endpoint, length, setup)
        half.sequence, half.requested = sequence, time
        if size > REQUEST.size and not packets:
            half.carried = Pieces.of(payload[REQUEST.size :], size - REQUEST.size)
        self._sent[sequence] = half

    def _waiting(self, endpoint: int, length: int, setup: bytes) -> Half | None:
        lane = self._unsent.get(lane_of(endpoint), deque())
        for half in lane:
            if (half.length, half.setup) == (length, setup):
                lane.remove(half)
                return half
        return None

    def _response(self, sequence: int, payload: bytes, size: int, time: int) -> None:
        half = self._sent.pop(sequence, None)
        if half is None:
            return
        half.responded = time
        status, half.told, _errors, _frame, packets = RESPONSE.unpack_from(payload)
        half.said = to_errno(status)
        if size > RESPONSE.size and not packets:
            half.carried = Pieces.of(payload[RESPONSE.size :], size - RESPONSE.size)
        if half.completed is not None or half.submitted is None:
            self._finish(half)


class _Stream:
    """One direction of a connection, cut into messages. A long one goes on in the next packet."""

    def __init__(self) -> None:
        self._skip = 0
        self._rest = b""

    def messages(self, data: bytes) -> Iterator[tuple[int, int, bytes, int]]:
        """Type, sequence number, as much of the payload as this packet has, and the length of all of it."""
        data, self._rest = self._rest + data, b""
        at = min(self._skip, len(data))
        self._skip -= at
        while at < len(data):
            if at + HEADER.size > len(data):
                self._rest = data[at:]
                return
            kind, size, sequence, _handle = HEADER.unpack_from(data, at)
            if kind not in _KINDS:
                return  # not a boundary of messages: the next packet may be one
            at += HEADER.size
            yield kind, sequence, data[at : at + size], size
            at += size
        self._skip = at - len(data)
