"""A camera as its kernel has it: what it offers, and frames from it, with the numbers that pictures may carry."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hil.clients.v4l2 import BRIGHTNESS, Camera, Frame

__all__ = ["run"]

_BLOCKS = 16
_BRIGHT = 128


def run(
    node: str, size: Sequence[int] = (0, 0), form: str = "YUYV", interval: Sequence[int] = (1, 30), count: int = 0,
    out: str = "", brightness: int | None = None,
) -> dict[str, Any]:  # fmt: skip
    """``offers``, see :meth:`hil.clients.v4l2.Camera.offers`; ``frames``, if ``count``; the pictures go to ``out``.

    A frame: sequence, bytes, bytes due (0: any), flags, the driver's time, the number that the picture's 16 blocks
    show (of a device that draws them), and the clock when this program got it; times in seconds.
    """
    with contextlib.closing(Camera(node)) as camera:
        if not count:
            return {"offers": camera.offers(), "frames": []}
        if brightness is not None:
            camera.set_control(BRIGHTNESS, brightness)
        width, height = size
        frames = []
        with Path(out or "/dev/null").open("wb") as file:
            for frame in camera.capture(form, (width, height), (interval[0], interval[1]), count):
                file.write(frame.pixels)
                number = _number(frame, width, height) if form == "YUYV" else 0
                frames.append(
                    [frame.sequence, len(frame.pixels), frame.whole, frame.flags, frame.time, number, time.monotonic()]
                )
    return {"offers": [], "frames": frames}


def _number(frame: Frame, width: int, height: int) -> int:
    """Sixteen blocks along the top, an eighth of the picture high, black and white: the most significant bit first."""
    row = height // 16 * width
    places = [(row + int((block + 0.5) / _BLOCKS * width) // 2 * 2) * 2 for block in range(_BLOCKS)]
    if places[-1] >= len(frame.pixels):
        return -1
    return int("".join(str(int(frame.pixels[place] > _BRIGHT)) for place in places), 2)
