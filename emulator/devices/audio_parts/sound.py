"""Sound as numbers: 16-bit samples, tones, gains, files. It knows nothing of USB."""

from __future__ import annotations

import math
import struct
import sys
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

__all__ = ["Tone", "WavFile", "amplified"]

_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_SAMPLE = 2
_HALF_SCALE = 16384


class Tone:
    """A sine wave at half of full scale, without end. ``frequency`` is in whole Hz, 0 for silence."""

    def __init__(self, frequency: int, rate: int) -> None:
        turn = 2 * math.pi * frequency / rate
        # A second of a whole number of Hz is a whole number of periods.
        second = array("h", (round(_HALF_SCALE * math.sin(turn * index)) for index in range(rate)))
        self._second = _little(second) * 2
        self.rate = rate
        self._position = 0

    def take(self, count: int) -> bytes:
        """The next ``count`` samples, at most one second of them, as little-endian bytes."""
        start = self._position * _SAMPLE
        self._position = (self._position + count) % self.rate
        return self._second[start : start + count * _SAMPLE]


def amplified(data: bytes, gains: Sequence[float]) -> bytes:
    """Samples of interleaved channels, each multiplied by its gain (1 or less)."""
    if all(gain == 1.0 for gain in gains):
        return data
    samples = array("h", data)
    if sys.byteorder == "big":
        samples.byteswap()
    for channel, gain in enumerate(gains):
        part = samples[channel :: len(gains)]
        samples[channel :: len(gains)] = array("h", [round(sample * gain) for sample in part])
    return _little(samples)


def _little(samples: array[int]) -> bytes:
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()


class WavFile:
    """A WAV file of 16-bit samples that grows, and can be read at any time."""

    def __init__(self, path: Path, channels: int, rate: int) -> None:
        self._file: BinaryIO = path.open("wb", buffering=0)
        self._channels = channels
        self._restart(rate)

    def _restart(self, rate: int) -> None:
        self._rate, self._size = rate, 0
        self._file.truncate(0)
        self._write_header()

    def _write_header(self) -> None:
        frame = self._channels * _SAMPLE
        self._file.seek(0)
        self._file.write(
            _HEADER.pack(
                b"RIFF", 36 + self._size, b"WAVE", b"fmt ", 16, 1, self._channels, self._rate, self._rate * frame,
                frame, 8 * _SAMPLE, b"data", self._size,
            )
        )  # fmt: skip

    def append(self, data: bytes, rate: int) -> None:
        """Write samples. Those of another rate than the last ones start the file anew, for a WAV file has one rate."""
        if rate != self._rate:
            self._restart(rate)
        self._file.seek(_HEADER.size + self._size)
        self._file.write(data)
        self._size += len(data)
        self._write_header()

    def close(self) -> None:
        """Give the file back; it is whole already."""
        self._file.close()
