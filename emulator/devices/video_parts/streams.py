"""A camera's frames on their way: cut into payloads, each with a header (UVC 1.1, 2.4.3), over either transport."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Protocol

from wslusb.device.clock import Timer
from wslusb.usb.urb import Buffer

from ...firmware import InHandler, IsoHandler
from .negotiation import CLOCK, HEADER_SIZE, Settings
from .picture import Picture

__all__ = ["BulkStream", "Camera", "IsoStream"]

_HEADER = struct.Struct("<BBI")
_END_OF_HEADER, _HAS_TIME, _END_OF_FRAME = 0x80, 0x04, 0x02
_UNITS = 10_000_000
"""Frame intervals are in 100 ns."""
_MICROFRAME = 1250


class Camera(Protocol):
    """What a stream asks of the device."""

    settings: Settings
    brightness: int

    def now(self) -> float:
        """Seconds."""

    def later(self, seconds: float, action: Callable[[], None]) -> Timer:
        """Call ``action`` then, with the device's lock held."""


class _Frames:
    """Pictures at their times. Frame ``number`` is taken ``number`` intervals after the start."""

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self.settings = camera.settings
        self._picture = Picture(self.settings.width, self.settings.height)
        self._frame_bit = 1

    def payloads(self, number: int) -> list[bytes]:
        """A frame to send now, cut. All its payloads have the same time and frame bit, the last one has the end bit.

        The frame bit is another one than that of the frame that was sent before, whatever its number.
        """
        self._frame_bit ^= 1
        frame = self._picture.frame(number, self._camera.brightness)
        size = self.settings.payload - HEADER_SIZE
        bits = _END_OF_HEADER | _HAS_TIME | self._frame_bit
        time = number * self.settings.interval * CLOCK // _UNITS & 0xFFFFFFFF
        found = []
        for start in range(0, len(frame), size):
            end = _END_OF_FRAME if start + size >= len(frame) else 0
            found.append(_HEADER.pack(HEADER_SIZE, bits | end, time) + frame[start : start + size])
        return found


class IsoStream(IsoHandler):
    """A payload a packet, until the frame is through; empty packets until the next one is due."""

    def __init__(self, camera: Camera) -> None:
        self._frames = _Frames(camera)
        self._passed = 0
        self._number = 0
        self._left: list[bytes] = []

    def packets(self, lengths: Sequence[int]) -> tuple[Buffer, Sequence[int]]:
        """What time it is, a packet's place on the bus says: no other clock is needed."""
        found = [self._next() for _ in lengths]
        return b"".join(found), [len(each) for each in found]

    def _next(self) -> bytes:
        if not self._left and self._passed * _MICROFRAME >= self._number * self._frames.settings.interval:
            self._left = self._frames.payloads(self._number)[::-1]
            self._number += 1
        self._passed += self.pipe.interval
        return self._left.pop() if self._left else b""


class BulkStream(InHandler):
    """A payload a transfer. A host that is late misses frames; what it gets is never old."""

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._frames: _Frames | None = None
        self._start = 0.0
        self._number = 0
        self._timer: Timer | None = None

    def start(self) -> None:
        """The host has committed: frame 0 is now."""
        self.stop()
        self._frames, self._start, self._number = _Frames(self._camera), self._camera.now(), 0
        self.pipe.resume()

    def stop(self) -> None:
        """No more frames, and what is left of the last one is forgotten."""
        if self._timer is not None:
            self._timer.cancel()
        self._frames = self._timer = None
        self.pipe.clear()

    def halt_cleared(self) -> None:
        """How a host says that it has had enough, where there is no other alternate setting to choose (2.4.3)."""
        self.stop()

    def wanted(self, room: int) -> None:  # noqa: ARG002
        """Send a frame, or wait until it is due."""
        if self._frames is None or self._timer is not None:
            return
        interval = self._frames.settings.interval / _UNITS
        late = self._camera.now() - self._start - self._number * interval
        if late < 0:
            self._timer = self._camera.later(-late, self._due)
            return
        self._number += int(late / interval)
        self._send()

    def _due(self) -> None:
        self._timer = None
        self._send()

    def _send(self) -> None:
        assert self._frames is not None  # noqa: S101 - the timer goes with the frames
        payloads = self._frames.payloads(self._number)
        self._number += 1
        for payload in payloads:
            self.pipe.send(payload, end=len(payload) < self._frames.settings.payload)
