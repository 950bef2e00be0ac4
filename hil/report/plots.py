"""What was measured, native against passthrough, as pictures: distributions, values by size, and ratios to limits.

Native is a solid line with round marks, passthrough a dashed one with square marks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from .figures import at_most_digits, median, percentile, quantity, size
from .results import Better, Measurement
from .svg import Drawing, Point, Scale

__all__ = ["at_text", "broken", "by_size", "distribution", "limit_text", "ratio_bar"]

_WIDTH, _HEIGHT = 640.0, 290.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 66.0, 432.0, 36.0, 242.0
_SERIES = ("native", "passthrough")
_LOG_FROM = 8.0
"""Above this ratio of the greatest to the smallest value, the axis is logarithmic."""
_FLAT = 30.0
"""From this ratio of the two sides on, the lower line would lie on a linear axis."""
_SHOWN = 99.5
"""Percent of the samples that an axis shows: one outlier of a second would hide all microseconds."""
_APART = 16.0


def distribution(measurement: Measurement, title: str) -> Markup:
    """How many percent of the samples are at most so much: cumulative, so that tails are seen."""
    sides = {name: list(getattr(measurement, name)) for name in _SERIES if getattr(measurement, name)}
    drawing = Drawing(_WIDTH, _HEIGHT, title, _spoken(measurement))
    limit = _limit(measurement)
    low = min(min(samples) for samples in sides.values())
    high = max([*(percentile(samples, _SHOWN) for samples in sides.values()), *([limit] if limit else [])])
    high = high * 1.03 if high > 0 else 1.0
    across = Scale(low, high, _LEFT, _RIGHT, log=low > 0 and high / low > _LOG_FROM)
    up = Scale(0, 100, _BOTTOM, _TOP)
    _axes(drawing, across, up, f"{measurement.name} ({measurement.unit})", "samples (%)")
    if limit is not None:
        drawing.line("limit", (across(limit), _TOP), (across(limit), _BOTTOM))
        drawing.text("label limit-text", (across(limit), _TOP - 6), _limit_label(measurement), "middle")
    ends: list[tuple[float, str, str]] = []
    for name, samples in sides.items():
        shown = [(across(percentile(samples, step / 2)), up(step / 2)) for step in range(201)]
        drawing.path(f"line {name}", shown)
        middle = median(samples)
        drawing.dot(f"mark {name}", (across(middle), up(50)), square=name == "passthrough")
        ends.append((up(50) + 4, f"{name}: {quantity(middle, measurement.unit)}", name))
    _beside(drawing, ends)
    return drawing.markup()


def by_size(points: Sequence[Measurement], title: str) -> Markup:
    """Medians over a size in bytes, with whiskers from the 10th to the 90th percent, and the limit as a line."""
    first = points[0]
    drawing = Drawing(_WIDTH, _HEIGHT, title, "; ".join(_spoken(each) for each in points))
    tops = [percentile(samples, 90) for each in points for samples in (each.native, each.passthrough) if samples]
    step = (_RIGHT - _LEFT) / max(len(points) - 1, 1)
    places = [_LEFT + step * number if len(points) > 1 else (_LEFT + _RIGHT) / 2 for number in range(len(points))]
    up = _upward(points, max(tops, default=1.0))
    note = ", logarithmic" if up.log else ""
    _axes(drawing, None, up, "size of a transfer", f"{first.name} ({first.unit}{note})")
    every = -(-len(points) // 6)
    for number, (x, each) in enumerate(zip(places, points, strict=True)):
        drawing.line("tick", (x, _BOTTOM), (x, _BOTTOM + 5))
        if number % every == 0:
            drawing.text("tick-text", (x, _BOTTOM + 20), size(float(each.at["size"])), "middle")
    bounds = [(x, up(limit)) for x, each in zip(places, points, strict=True) if (limit := _limit(each)) is not None]
    if bounds:
        edge = _BOTTOM if first.better is Better.HIGHER else _TOP
        drawing.path("forbidden", [*bounds, (bounds[-1][0], edge), (bounds[0][0], edge)], closed=True)
        drawing.path("limit", bounds)
    drawn = {name: _series(drawing, name, points, places, up) for name in _SERIES}
    ends = [(line[-1][1] + 4, name, name) for name, line in drawn.items() if line]
    if bounds:
        ends.append((bounds[-1][1] + 4, _limit_label(first), "limit-text"))
    _beside(drawing, ends)
    return drawing.markup()


def _upward(points: Sequence[Measurement], top: float) -> Scale:
    """From 0; logarithmic where one side is so far below the other that nothing could be read of it."""
    middles = [median(samples) for each in points for samples in (each.native, each.passthrough) if samples]
    apart = max((each.ratio or 1.0 for each in points), key=lambda ratio: abs(math.log(ratio)), default=1.0)
    low = min((each for each in middles if each > 0), default=0.0)
    if low and max(apart, 1 / apart) > _FLAT:
        return Scale(10.0 ** math.floor(math.log10(low)), top * 1.3, _BOTTOM, _TOP, log=True)
    return Scale(0, top * 1.08, _BOTTOM, _TOP)


def _series(
    drawing: Drawing, name: str, points: Sequence[Measurement], places: Sequence[float], up: Scale
) -> list[Point]:
    drawn = []
    for x, each in zip(places, points, strict=True):
        samples = getattr(each, name)
        if samples:
            nudge = x + (3 if name == "passthrough" else -3)
            drawing.line(f"whisker {name}", (nudge, up(percentile(samples, 10))), (nudge, up(percentile(samples, 90))))
            drawn.append((x, up(median(samples))))
    drawing.path(f"line {name}", drawn)
    for point in drawn:
        drawing.dot(f"mark {name}", point, 3.5, square=name == "passthrough")
    return drawn


def ratio_bar(measurement: Measurement) -> Markup:
    """A ratio on a small axis from a tenth to ten times, with its limit as a mark; nothing where there is no ratio."""
    ratio, limit = measurement.ratio, measurement.limit
    if ratio is None:
        return Markup("")
    scale = Scale(0.1, 10, 4, 156, log=True)
    what = f"{at_most_digits(ratio)}, and the limit is {limit_text(measurement)}" if limit else at_most_digits(ratio)
    drawing = Drawing(160, 18, f"ratio {at_most_digits(ratio)}", what)
    drawing.line("axis", (4, 9), (156, 9))
    drawing.line("one", (scale(1), 4), (scale(1), 14))
    kind = {None: "free", True: "good", False: "bad"}[measurement.within]
    drawing.line(f"bar {kind}", (scale(1), 9), (scale(ratio), 9))
    if limit:
        drawing.line("limit", (scale(limit), 1), (scale(limit), 17))
    drawing.dot(f"mark {kind}", (scale(ratio), 9), 4, square=True)
    return drawing.markup()


def limit_text(measurement: Measurement) -> str:
    """What the ratio may be: ``at most 3.00 times native``."""
    if measurement.limit is None:
        return ""
    word = "at most" if measurement.better is Better.LOWER else "at least"
    return f"{word} {at_most_digits(measurement.limit)} times native"


def at_text(measurement: Measurement) -> str:
    """What it was measured at: ``size 64 KiB``."""
    words = (
        f"{key} {size(value) if key == 'size' and isinstance(value, int) else value}"
        for key, value in measurement.at.items()
    )
    return ", ".join(words)


def broken(measurement: Measurement) -> str:
    """A limit that is not kept, in a line."""
    native, ours = (quantity(median(each), measurement.unit) for each in (measurement.native, measurement.passthrough))
    name = ", ".join(filter(None, (measurement.name, at_text(measurement))))
    ratio = at_most_digits(measurement.ratio or 0.0)
    return f"{name}: {ratio} times native, and may be {limit_text(measurement)} ({ours} against {native})"


def _limit_label(measurement: Measurement) -> str:
    return f"limit {at_most_digits(measurement.limit or 0.0)} x native"


def _limit(measurement: Measurement) -> float | None:
    """The limit in the measurement's unit."""
    if measurement.limit is None or not measurement.native:
        return None
    return measurement.limit * median(measurement.native)


def _axes(drawing: Drawing, across: Scale | None, up: Scale, below: str, beside: str) -> None:
    for value in up.ticks():
        drawing.line("grid", (_LEFT, up(value)), (_RIGHT, up(value)))
        drawing.text("tick-text", (_LEFT - 8, up(value) + 4), f"{value:,g}", "end")
    for value in across.ticks(6) if across is not None else ():
        assert across is not None  # noqa: S101 -- there are ticks
        drawing.line("tick", (across(value), _BOTTOM), (across(value), _BOTTOM + 5))
        drawing.text("tick-text", (across(value), _BOTTOM + 20), f"{value:,g}", "middle")
    drawing.line("axis", (_LEFT, _BOTTOM), (_RIGHT, _BOTTOM))
    drawing.text("axis-text", ((_LEFT + _RIGHT) / 2, _BOTTOM + 42), below, "middle")
    drawing.text("axis-text", (2, 13), beside)


def _beside(drawing: Drawing, ends: Sequence[tuple[float, str, str]]) -> None:
    """Names at the right, none on another."""
    last = -_APART
    for y, text, name in sorted(ends):
        last = max(y, last + _APART)
        drawing.text(f"label {name}", (_RIGHT + 10, last), text)


def _spoken(measurement: Measurement) -> str:
    at = ", ".join(f"{key} {value}" for key, value in measurement.at.items())
    sides = ", ".join(
        f"{name} median {quantity(median(getattr(measurement, name)), measurement.unit)}"
        for name in _SERIES
        if getattr(measurement, name)
    )
    return f"{measurement.name}{f' at {at}' if at else ''}: {sides}"
