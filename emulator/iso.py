"""Isochronous endpoints at work (USB 2.0, 5.6): nothing waits, nothing stalls, every packet has its own outcome.

There is no clock: a URB completes as soon as it is submitted, and the frame number goes on by the time that it would
have taken.
"""

from __future__ import annotations

import itertools

from wslusb.usb.descriptors import Endpoint
from wslusb.usb.urb import Completion, Done, IsoResult, Status, Urb

from .firmware import IsoHandler
from .pipe import Pipe, Put

__all__ = ["IsoPipe"]


class IsoPipe(Pipe):
    """An isochronous endpoint. ``max_payload`` counts the extra transactions of a high-bandwidth endpoint."""

    def __init__(self, descriptor: Endpoint, put: Put, handler: IsoHandler | None = None) -> None:
        super().__init__(descriptor, put)
        self.max_payload = self.max_packet * (1 + (descriptor.max_packet_size >> 11 & 3))
        self._frame = 0
        self._handler = handler or IsoHandler()
        self._handler.pipe = self

    def halt(self) -> None:
        """Isochronous endpoints have no handshake to stall with (USB 2.0, 8.5.5)."""

    def submit(self, urb: Urb, done: Done) -> None:
        """Run all packets."""
        lengths = urb.iso_lengths
        # Linux refuses both (usb_submit_urb: -EINVAL without packets, -EMSGSIZE for a packet that is too long).
        if not lengths or sum(lengths) > urb.length or min(lengths) < 0 or max(lengths) > self.max_payload:
            self._put(done, Completion(urb, Status.INVALID))
            return
        completion = self._receive(urb) if urb.is_in else self._send(urb)
        completion.start_frame = self._frame
        self._frame = (self._frame + len(lengths) * max(1, urb.interval)) & 0x7FF
        self._put(done, completion)

    def _send(self, urb: Urb) -> Completion:
        self._handler.received(memoryview(urb.data), urb.iso_lengths)
        results = [IsoResult(Status.OK, length) for length in urb.iso_lengths]
        return Completion(urb, Status.OK, sum(urb.iso_lengths), iso=results)

    def _receive(self, urb: Urb) -> Completion:
        data, actual = self._handler.packets(urb.iso_lengths)
        if all(map(int.__le__, actual, urb.iso_lengths)):
            results = [IsoResult(Status.OK, length) for length in actual]
            return Completion(urb, Status.OK, len(data), data, iso=results)
        return _cut(urb, memoryview(data), list(actual))


def _cut(urb: Urb, data: memoryview, actual: list[int]) -> Completion:
    """Packets that are longer than the host asked for are babble: cut, and counted as errors."""
    results, pieces = [], []
    offsets = itertools.accumulate(actual, initial=0)
    for offset, length, asked in zip(offsets, actual, urb.iso_lengths, strict=False):
        fits = min(length, asked)
        results.append(IsoResult(Status.OVERRUN if length > asked else Status.OK, fits))
        pieces.append(data[offset : offset + fits])
    errors = sum(result.status != Status.OK for result in results)
    whole = b"".join(pieces)
    return Completion(urb, Status.OK, len(whole), whole, error_count=errors, iso=results)
