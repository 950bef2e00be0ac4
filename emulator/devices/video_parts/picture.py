"""The picture that a webcam without a lens sees: colour bars, and above them the number of the frame.

YUY2 as in "USB Device Class Definition for Video Devices: Uncompressed Payload", 2.2: two pixels are Y0 U Y1 V. The
number stands in the top eighth of the picture as 16 blocks side by side, most significant bit first: white (luma 235)
is 1, black (16) is 0. Brightness is added to the luma of the bars, not to that of the number.
"""

from __future__ import annotations

__all__ = ["BARS", "BITS", "BLACK", "NUMBER_PART", "WHITE", "Picture"]

BARS = (
    (180, 128, 128), (162, 44, 142), (131, 156, 44), (112, 72, 58), (84, 184, 198), (65, 100, 212), (35, 212, 114),
    (16, 128, 128),
)  # fmt: skip
"""Luma, blue and red difference of white, yellow, cyan, green, magenta, red, blue and black at 75 % (ITU-R BT.601)."""
BITS = 16
BLACK, WHITE = 16, 235
NUMBER_PART = 8
"""The number takes the height divided by this."""


class Picture:
    """Pictures of one size. ``width`` is a multiple of 32 and ``height`` of 8, both in pixels."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self._brightness: int | None = None
        self._bars = b""

    def frame(self, number: int, brightness: int = 0) -> bytes:
        """The bytes of a picture: ``2 * width * height``."""
        if brightness != self._brightness:
            self._brightness, self._bars = brightness, self._draw_bars(brightness)
        return self._draw_number(number) + self._bars

    def _draw_number(self, number: int) -> bytes:
        bits = (number >> bit & 1 for bit in reversed(range(BITS)))
        line = b"".join(_pixels(WHITE if bit else BLACK, 128, 128, self.width // BITS) for bit in bits)
        return line * (self.height // NUMBER_PART)

    def _draw_bars(self, brightness: int) -> bytes:
        line = b"".join(
            _pixels(min(max(luma + brightness, 0), 255), blue, red, self.width // len(BARS)) for luma, blue, red in BARS
        )
        return line * (self.height - self.height // NUMBER_PART)


def _pixels(luma: int, blue: int, red: int, count: int) -> bytes:
    return bytes((luma, blue, luma, red)) * (count // 2)
