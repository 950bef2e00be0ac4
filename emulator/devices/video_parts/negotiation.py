"""Which picture, how often, in how large pieces: the probe and commit controls (UVC 1.1, 4.3.1.1).

Host and device agree by turns: the host proposes, the device answers with what it would do, until the host commits.
"""

from __future__ import annotations

import dataclasses
import struct
from dataclasses import dataclass

__all__ = ["BYTES_PER_PIXEL", "CLOCK", "HEADER_SIZE", "INTERVALS", "SIZES", "Settings"]

CLOCK = 1_000_000
"""Hz of the device's clock, in which presentation times are."""
SIZES = ((160, 120), (320, 240))
"""Width and height of the frame descriptors 1, 2, ..."""
INTERVALS = (333333, 666666, 1000000)
"""Time from frame to frame, in 100 ns: 30, 15 and 10 frames a second."""
BYTES_PER_PIXEL = 2
HEADER_SIZE = 6
"""Bytes of a payload header with a presentation time (2.4.3.3)."""

_CONTROL = struct.Struct("<HBBI5HIIIBBBB")
_FORMAT = 1
_MICROFRAME = 1250
_BULK_PAYLOAD = 16384
_FRAME_ID_AND_END = 0x03
# Of the time from frame to frame, what a frame may take on the bus.
_SHARE = 0.9


@dataclass(slots=True, frozen=True)
class Settings:
    """What was agreed. ``frame`` is the number of the frame descriptor; ``interval`` is in 100 ns."""

    bulk: bool
    frame: int = 1
    interval: int = INTERVALS[0]

    SIZE = _CONTROL.size
    """Bytes of a probe or commit control."""

    @property
    def width(self) -> int:
        """Pixels."""
        return SIZES[self.frame - 1][0]

    @property
    def height(self) -> int:
        """Pixels."""
        return SIZES[self.frame - 1][1]

    @property
    def frame_size(self) -> int:
        """Bytes of a picture."""
        return self.width * self.height * BYTES_PER_PIXEL

    @property
    def payload(self) -> int:
        """The most bytes of a payload with its header: of a bulk transfer, or of a microframe."""
        if self.bulk:
            return _BULK_PAYLOAD
        return -(-self.frame_size // int(self.interval * _SHARE / _MICROFRAME)) + HEADER_SIZE

    def proposed(self, data: bytes) -> Settings | None:
        """These, or the nearest that the device can do, for a host's proposal; None if it is none.

        Version 1.0 of the class has 26 bytes of it, 1.1 has 34.
        """
        if len(data) not in (26, self.SIZE):
            return None
        _, _, frame, interval, *_ = _CONTROL.unpack(data.ljust(self.SIZE, b"\0"))
        return dataclasses.replace(
            self,
            frame=frame if 1 <= frame <= len(SIZES) else 1,
            interval=min(INTERVALS, key=lambda each: abs(each - interval)),
        )

    def pack(self) -> bytes:
        """The control, with the fields filled in that are the device's to say."""
        return _CONTROL.pack(
            0, _FORMAT, self.frame, self.interval, 0, 0, 0, 0, 0, self.frame_size, self.payload, CLOCK,
            _FRAME_ID_AND_END, 0, 0, 0,
        )  # fmt: skip
