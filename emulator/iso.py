"""Isochronous endpoints at work (USB 2.0, 5.6): nothing stalls, nothing is late, every packet has its own outcome.

A packet has a slot on the bus, one a service interval. A URB gets its slots as it is queued: those after the URB before
it, or after a pause from the (micro)frame that is under way. It completes when its last slot has passed. Slots are
integers that are added up, so a stream keeps the pace of the clock however late the wake-ups are.
"""

from __future__ import annotations

import functools
import itertools
import logging
from collections import deque
from collections.abc import Sequence

from wslusb.usb.descriptors import Endpoint
from wslusb.usb.ids import Speed
from wslusb.usb.urb import Buffer, Completion, Done, IsoResult, Status, Urb

from .firmware import IsoHandler
from .frames import Frames, frame_length, max_payload, service_interval
from .pipe_queue import Pipe, Put

__all__ = ["IsoPipe"]

_log = logging.getLogger(__name__)
_FRAME_NUMBERS = 1 << 11
"""A frame number has 11 bits (USB 2.0, 8.4.3). At high speed Linux counts microframes: 8 times as many."""
_PATIENCE = 800
"""In microframes (100 ms): see :class:`IsoPipe`."""


class _Waiting:
    """A URB that is queued, and its slots: from the microframe ``start`` up to ``end``."""

    __slots__ = ("data", "done", "end", "start", "urb")

    def __init__(self, urb: Urb, done: Done, start: int, end: int) -> None:
        self.urb = urb
        self.done = done
        self.start = start
        self.end = end
        self.data = b"" if urb.is_in else bytes(urb.data)


class IsoPipe(Pipe):
    """An isochronous endpoint. ``interval``: microframes from packet to packet; ``max_payload``: bytes in each.

    A stream that has run dry for a moment goes on where it was, and catches up: between this bus and the driver there
    are a socket and two schedulers, and Linux' audio driver keeps no more than 18 ms of packets in flight. After a
    longer pause it starts anew.
    """

    def __init__(
        self, descriptor: Endpoint, put: Put, frames: Frames, speed: Speed, handler: IsoHandler | None = None
    ) -> None:
        super().__init__(descriptor, put)
        self.interval = service_interval(descriptor, speed)
        self.max_payload = max_payload(descriptor, speed)
        self._frames = frames
        self._frame = frame_length(speed)
        self._waiting: deque[_Waiting] = deque()
        self._end = 0
        self._wake = 0
        self._handler = handler or IsoHandler()
        self._handler.pipe = self

    def halt(self) -> None:
        """Isochronous endpoints have no handshake to stall with (USB 2.0, 8.5.5)."""

    def submit(self, urb: Urb, done: Done) -> None:
        """Give the URB its slots. The host's start_frame is not asked for: Linux' host controllers do not either."""
        lengths = urb.iso_lengths
        # Linux refuses both (usb_submit_urb: -EINVAL without packets, -EMSGSIZE for a packet that is too long).
        if not lengths or sum(lengths) > urb.length or min(lengths) < 0 or max(lengths) > self.max_payload:
            self._put(done, Completion(urb, Status.INVALID))
            return
        now = self._frames.now()
        start = self._end if self._end and now < self._end + _PATIENCE else now - now % self.interval
        self._end = start + len(lengths) * self.interval
        self._waiting.append(_Waiting(urb, done, start, self._end))
        if len(self._waiting) == 1:
            self._arm()

    def cancel(self, urb: Urb) -> None:
        """Give a URB back if it is still queued, with what its past slots moved. Those behind it keep their slots."""
        for waiting in self._waiting:
            if waiting.urb is urb:
                self._waiting.remove(waiting)
                self._end = self._waiting[-1].end if self._waiting else 0
                self._finish(waiting, self._passed(waiting), Status.CANCELLED)
                if self._waiting:
                    self._arm()
                return

    def flush(self, status: Status) -> None:
        """Give all queued URBs back, in order. The next one starts anew."""
        while self._waiting:
            waiting = self._waiting.popleft()
            self._finish(waiting, self._passed(waiting), status)
        self._end = 0

    def _passed(self, waiting: _Waiting) -> int:
        """How many of its slots are over."""
        passed = (self._frames.now() - waiting.start) // self.interval
        return min(max(passed, 0), len(waiting.urb.iso_lengths))

    def _arm(self) -> None:
        wake = self._waiting[0].end
        if wake != self._wake:
            self._wake = wake
            self._frames.call_at(wake, functools.partial(self._due, wake))

    def _due(self, wake: int) -> None:
        if wake != self._wake:  # for a URB that was cancelled
            return
        now, self._wake = self._frames.now(), 0
        while self._waiting and self._waiting[0].end <= now:
            waiting = self._waiting.popleft()
            self._finish(waiting, len(waiting.urb.iso_lengths), Status.OK)
        if self._waiting:
            self._arm()

    def _finish(self, waiting: _Waiting, passed: int, status: Status) -> None:
        """Move the packets of the slots that are over; the others were never on the bus."""
        urb = waiting.urb
        lengths = urb.iso_lengths if passed == len(urb.iso_lengths) else urb.iso_lengths[:passed]
        completion = Completion(urb, status)
        try:
            if urb.is_in:
                self._receive(completion, lengths)
            else:
                self._send(completion, waiting.data, lengths)
        except Exception:  # noqa: BLE001 - a bug in a firmware is a broken device, not a broken program
            _log.exception("the firmware failed on endpoint %#04x", self.descriptor.address)
            completion.iso = [IsoResult(Status.PROTOCOL, 0) for _ in lengths]
        if passed < len(urb.iso_lengths):
            missed = [IsoResult(Status.ISO_NOT_ACCESSED, 0) for _ in urb.iso_lengths[passed:]]
            completion.iso = [*completion.iso, *missed]
        completion.error_count = sum(result.status != Status.OK for result in completion.iso)
        completion.start_frame = waiting.start // self._frame % (_FRAME_NUMBERS * 8 // self._frame)
        self._put(waiting.done, completion)

    def _send(self, completion: Completion, data: bytes, lengths: Sequence[int]) -> None:
        moved = sum(lengths)
        if lengths:
            self._handler.received(memoryview(data)[:moved], lengths)
        completion.actual_length = moved
        completion.iso = [IsoResult(Status.OK, length) for length in lengths]

    def _receive(self, completion: Completion, lengths: Sequence[int]) -> None:
        data: Buffer
        data, actual = self._handler.packets(lengths) if lengths else (b"", ())
        if len(actual) != len(lengths) or len(data) != sum(actual):
            raise ValueError(
                f"{len(lengths)} packets were asked for; the handler has {len(actual)} of {sum(actual)} bytes together,"
                f" and {len(data)} bytes"
            )
        if all(map(int.__le__, actual, lengths)):
            completion.iso = [IsoResult(Status.OK, length) for length in actual]
        else:
            data, completion.iso = _cut(memoryview(data), actual, lengths)
        completion.data, completion.actual_length = data, len(data)


def _cut(data: memoryview, actual: Sequence[int], lengths: Sequence[int]) -> tuple[bytes, list[IsoResult]]:
    """Packets that are longer than the host asked for are babble: cut, and counted as errors."""
    results, pieces = [], []
    offsets = itertools.accumulate(actual, initial=0)
    for offset, length, asked in zip(offsets, actual, lengths, strict=False):
        fits = min(length, asked)
        results.append(IsoResult(Status.OVERRUN if length > asked else Status.OK, fits))
        pieces.append(data[offset : offset + fits])
    return b"".join(pieces), results
