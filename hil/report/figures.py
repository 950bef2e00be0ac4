"""Numbers of samples, and how people read them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

__all__ = ["at_most_digits", "duration", "median", "percentile", "quantity", "size"]

_BYTES = ("B", "KiB", "MiB", "GiB")


def median(samples: Sequence[float]) -> float:
    """The middle one; NaN of none."""
    return statistics.median(samples) if samples else math.nan


def percentile(samples: Sequence[float], percent: float) -> float:
    """The value below which so many percent lie, between neighbours in proportion; NaN of none."""
    if not samples:
        return math.nan
    ordered = sorted(samples)
    place = (len(ordered) - 1) * min(max(percent, 0.0), 100.0) / 100
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def at_most_digits(value: float) -> str:
    """Three digits that mean something."""
    if not math.isfinite(value):
        return "-"
    if value and abs(value) < 0.01:
        return f"{value:.2g}"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}"


def quantity(value: float, unit: str) -> str:
    """A number with its unit."""
    return f"{at_most_digits(value)} {unit}".rstrip()


def size(count: float) -> str:
    """Bytes, in powers of 1024: ``64 KiB``."""
    for unit in _BYTES[:-1]:
        if abs(count) < 1024:
            return f"{count:g} {unit}"
        count /= 1024
    return f"{count:g} {_BYTES[-1]}"


def duration(seconds: float) -> str:
    """``0.3 s``, ``42 s``, ``3 min 5 s``, ``2 h 11 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
