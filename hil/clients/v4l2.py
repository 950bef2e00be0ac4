"""Video4Linux: what a camera offers, and frames from it (linux/videodev2.h, on 64-bit machines)."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import mmap
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["BRIGHTNESS", "ERROR", "Camera", "Frame"]

BRIGHTNESS = 0x00980900
ERROR = 0x40
"""Flag of a frame that is not whole."""
_ENUM_FMT, _ENUM_SIZES, _ENUM_INTERVALS = 0xC0405602, 0xC02C564A, 0xC034564B
_S_FMT, _REQBUFS, _QUERYBUF, _QBUF, _DQBUF = 0xC0D05605, 0xC0145608, 0xC0585609, 0xC058560F, 0xC0585611
_STREAMON, _STREAMOFF, _S_PARM, _S_CTRL = 0x40045612, 0x40045613, 0xC0CC5616, 0xC008561C
_CAPTURE, _MMAP = 1, 1
_BUFFERS = 4
_FORMAT = struct.Struct("<IxxxxIIIIII176x")
"""Type, then width, height, pixel format, field, bytes a line, bytes a picture."""
_PARAMETERS = struct.Struct("<IIIII184x")
"""Type, capability, mode, time a frame (numerator, denominator)."""
_BUFFER = struct.Struct("<IIIII4xqq16xIIQI12x")
"""Index, type, bytes, flags, field, seconds, microseconds, time code, sequence, memory, offset, length."""
_FORMATS = struct.Struct("<III32sII12x")
"""Index, type, flags, description, pixel format, bus code."""
_SIZES = struct.Struct("<IIIII24x")
"""Index, pixel format, type (1: discrete), width, height."""
_INTERVALS = struct.Struct("<IIIIIII24x")
"""Index, pixel format, width, height, type, numerator, denominator."""


@dataclass(slots=True, frozen=True)
class Frame:
    """One as the driver gave it: its sequence number, flags, time in seconds; ``whole``: the bytes due, or 0."""

    sequence: int
    flags: int
    time: float
    pixels: bytes
    whole: int


class Camera:
    """An open node, /dev/videoN."""

    def __init__(self, node: str) -> None:
        self._file = os.open(node, os.O_RDWR)

    def close(self) -> None:
        """Close it."""
        os.close(self._file)

    def offers(self) -> list[dict[str, Any]]:
        """Formats (four characters), sizes, and the frame intervals of each in seconds."""
        return [
            {"format": _text(code), "size": size, "intervals": self._intervals(code, size)}
            for code in self._formats()
            for size in self._sizes(code)
        ]

    def _formats(self) -> list[int]:
        found = self._enumerate(_ENUM_FMT, lambda index: _FORMATS.pack(index, _CAPTURE, 0, b"", 0, 0))
        return [int(_FORMATS.unpack(each)[4]) for each in found]

    def _sizes(self, code: int) -> list[list[int]]:
        found = self._enumerate(_ENUM_SIZES, lambda index: _SIZES.pack(index, code, 0, 0, 0))
        return [list(_SIZES.unpack(each)[3:5]) for each in found]

    def _intervals(self, code: int, size: list[int]) -> list[float]:
        found = self._enumerate(_ENUM_INTERVALS, lambda index: _INTERVALS.pack(index, code, *size, 0, 0, 0))
        return [round(above / below, 7) for *_, above, below in map(_INTERVALS.unpack, found) if below]

    def _enumerate(self, request: int, pack: Any) -> Iterator[bytes]:
        for index in range(1000):
            try:
                yield fcntl.ioctl(self._file, request, pack(index))
            except OSError as error:
                if error.errno != errno.EINVAL:
                    raise
                return

    def set_control(self, control: int, value: int) -> None:
        """A control, by its V4L2_CID."""
        fcntl.ioctl(self._file, _S_CTRL, struct.pack("<Ii", control, value))

    def capture(self, form: str, size: tuple[int, int], interval: tuple[int, int], count: int) -> Iterator[Frame]:
        """Frames; ``interval`` is a fraction of a second. OSError if the driver wants something else."""
        code = int.from_bytes(form.encode(), "little")
        got = _FORMAT.unpack(fcntl.ioctl(self._file, _S_FMT, _FORMAT.pack(_CAPTURE, *size, code, 0, 0, 0)))
        if got[1:4] != (*size, code):
            raise OSError(errno.EINVAL, f"the driver wants {got[1:3]} of {_text(got[3])}")
        whole = got[6] if got[5] else 0
        fcntl.ioctl(self._file, _S_PARM, _PARAMETERS.pack(_CAPTURE, 0, 0, *interval))
        fcntl.ioctl(self._file, _REQBUFS, struct.pack("<III8x", _BUFFERS, _CAPTURE, _MMAP))
        maps = []
        for index in range(_BUFFERS):
            *_, offset, length = self._buffer(_QUERYBUF, index)
            maps.append(mmap.mmap(self._file, length, offset=offset))
            self._buffer(_QBUF, index)
        fcntl.ioctl(self._file, _STREAMON, struct.pack("<i", _CAPTURE))
        with contextlib.ExitStack() as stack:
            stack.callback(fcntl.ioctl, self._file, _STREAMOFF, struct.pack("<i", _CAPTURE))
            for _ in range(count):
                index, _, used, flags, _, seconds, micros, sequence, *_ = self._buffer(_DQBUF, 0)
                yield Frame(sequence, flags, seconds + micros / 1e6, maps[index][:used], whole)
                self._buffer(_QBUF, index)

    def _buffer(self, code: int, index: int) -> tuple[int, ...]:
        """One of the requests that take a v4l2_buffer."""
        packed = _BUFFER.pack(index, _CAPTURE, 0, 0, 0, 0, 0, 0, _MMAP, 0, 0)
        return _BUFFER.unpack(fcntl.ioctl(self._file, code, packed))


def _text(code: int) -> str:
    return code.to_bytes(4, "little").decode("ascii", "replace")
