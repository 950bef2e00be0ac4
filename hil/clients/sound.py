"""Tones: made, found again, searched for gaps; and the pace of sound against the clock, with how sure that is."""

from __future__ import annotations

import array
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["SAMPLES", "Pace", "breaks", "pace", "packets_ppm", "sine", "strength"]

Samples = Sequence[int]
SAMPLES = {"S8": 1, "U8": 1, "S16_LE": 2, "S24_3LE": 3, "S24_LE": 4, "S32_LE": 4}
"""Bytes of a sample, by ALSA's name of the format."""
_QUANTUM = 4.0
"""How far rounding can make a sample of a sine wave differ from what the two around it say."""
_SENSITIVITY = 0.002
_NOISE = 10.0
"""How many times the usual error of a noisy tone is a break."""
_LEAST_LATE = 0.1


def sine(frequency: int, frames: int, rate: int, channels: int = 2, amplitude: int = 10000) -> array.array[int]:
    """A tone of 16 bits, the same in all channels."""
    turn = 2 * math.pi * frequency / rate
    samples = array.array("h")
    for index in range(frames):
        samples.extend([round(amplitude * math.sin(turn * index))] * channels)
    return samples


def strength(samples: Samples, frequency: int, rate: int) -> float:
    """The amplitude of a frequency, by Goertzel's algorithm."""
    coefficient = 2 * math.cos(2 * math.pi * frequency / rate)
    last = before = 0.0
    for sample in samples:
        last, before = sample + coefficient * last - before, last
    return 2 * math.sqrt(max(last * last + before * before - coefficient * last * before, 0.0)) / len(samples)


def breaks(samples: Samples, frequency: int, rate: int) -> list[int]:
    """Where a tone does not go on: samples that the two before them do not foretell; those beside each other are one.

    Of a sine wave, each sample is 2 cos(w) times the one before, less the one before that. A gap of whole periods is
    not seen, so a tone does better whose period is not a part of a packet: 437 Hz, not 1000.
    """
    coefficient = 2 * math.cos(2 * math.pi * frequency / rate)
    wrong = [
        abs(sample - coefficient * last + before)
        for sample, last, before in zip(samples[2:], samples[1:], samples, strict=False)
    ]
    if not wrong:
        return []
    limit = max(_QUANTUM + _SENSITIVITY * max(map(abs, samples)), _NOISE * statistics.median(wrong))
    found: list[int] = []
    for at in (number + 2 for number, each in enumerate(wrong) if each > limit):
        if found and at - found[-1] <= 2:
            found[-1] = at
        else:
            found.append(at)
    return found


@dataclass(slots=True, frozen=True)
class Pace:
    """Frames a second, and by how much that may be wrong, in parts per million."""

    rate: float
    doubt: float

    def ppm(self, nominal: float) -> float:
        """How far from a nominal rate."""
        return (self.rate / nominal - 1) * 1e6


def pace(arrivals: Sequence[Sequence[float]], nominal: float) -> Pace:
    """Of (seconds of a clock, frames until then).

    Sound is often seen late and never early: only what was seen least late counts, of the first third and of the last.
    How much later the rest of the least late tenth was, at either end, is how much later that one may have been.
    """
    third = len(arrivals) // 3
    ends, doubt = [], 0.0
    for part in (arrivals[:third], arrivals[-third:]):
        by_lateness = sorted(part, key=lambda each: each[0] - each[1] / nominal)
        best, other = by_lateness[0], by_lateness[max(1, round(len(part) * _LEAST_LATE))]
        doubt += (other[0] - other[1] / nominal) - (best[0] - best[1] / nominal)
        ends.append(best)
    (start, before), (end, after) = ends
    return Pace((after - before) / (end - start), doubt / (end - start) * 1e6)


def packets_ppm(lengths: Mapping[int, int], frame: int, period: float, rates: Sequence[int]) -> float:
    """How far a device's clock is from the bus's, in ppm, by what it puts into its isochronous packets.

    ``lengths`` counts packets by their bytes, ``frame`` is the bytes of a sample in all channels, ``period`` the
    seconds from a packet to the next. Of the nominal ``rates``, the nearest one is meant.
    """
    held = sum(length * count for length, count in lengths.items()) / frame
    rate = held / (sum(lengths.values()) * period)
    return min(((rate / nominal - 1) * 1e6 for nominal in rates), key=abs)
