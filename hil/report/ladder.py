"""One URB as a ladder: from the guest's kernel to the device and back, each step with how long it took."""

from __future__ import annotations

import itertools

from markupsafe import Markup

from .events import UrbLine
from .flights import Stage
from .svg import Drawing, Point

__all__ = ["ladder", "short_time"]

_LANES = (("guest's kernel", 140.0), ("agent", 280.0), ("service", 420.0), ("device", 560.0))
_LANE_OF = (0, 1, 2, 3, 3, 2, 1, 0)
_TOP, _STEP = 44.0, 40.0
_WIDTH = 760.0


def ladder(urb: UrbLine, title: str, wrong_after: str = "") -> Markup:
    """Draw it. Steps that no capture has seen are dashed; where it went no further there is a cross.

    ``wrong_after``: the stage from which on it was not as it should be; the step from there is marked.
    """
    stages = list(Stage)
    known = [stage for stage in stages if stage in urb.stages]
    height = _TOP + _STEP * (len(stages) - 1) + 34
    drawing = Drawing(_WIDTH, height, title, _spoken(urb))
    for name, x in _LANES:
        drawing.text("lane-text", (x, 16), name, "middle")
        drawing.line("lane", (x, 26), (x, height - 16))
    places = {stage: (_LANES[_LANE_OF[row]][1], _TOP + _STEP * row) for row, stage in enumerate(stages)}
    for before, after in itertools.pairwise(known):
        seen = stages.index(after) - stages.index(before) == 1
        kind = "step wrong" if before.value == wrong_after else "step" if seen else "step unseen"
        _arrow(drawing, places[before], places[after], kind)
        (ax, ay), (bx, by) = places[before], places[after]
        spot, anchor = _beside((ax, ay), (bx, by))
        drawing.text("hop", spot, short_time(urb.stages[after] - urb.stages[before]), anchor)
    for stage in known:
        x, y = places[stage]
        drawing.dot("stop", (x, y), 4.5)
        drawing.text("tick-text", (78, y + 4), f"+{short_time(urb.stages[stage] - urb.stages[known[0]])}", "end")
    if urb.device and Stage.ANSWERED in urb.stages:
        x, y = places[Stage.ANSWERED]
        drawing.text(_ending_class(urb.device), (x + 12, y + 5), urb.device)
    if urb.guest and Stage.COMPLETED in urb.stages:
        x, y = places[Stage.COMPLETED]
        drawing.text(_ending_class(urb.guest), (x + 8, y + 22), urb.guest)
    if urb.pending and known:
        x, y = places[known[-1]]
        drawing.line("cross", (x - 7, y + 13), (x + 7, y + 27))
        drawing.line("cross", (x - 7, y + 27), (x + 7, y + 13))
        end = x > _WIDTH / 2
        drawing.text("ending bad", (x - 14 if end else x + 14, y + 25), "nothing since", "end" if end else "start")
    return drawing.markup()


def _beside(begin: Point, end: Point) -> tuple[Point, str]:
    """Where a step's time is written: above its line, and on the side to which that falls away."""
    (ax, ay), (bx, by) = begin, end
    if ax == bx:
        return (ax - 8, (ay + by) / 2 + 4), "end"
    return ((ax + bx) / 2 + (6 if bx > ax else -6), (ay + by) / 2 - 4), "start" if bx > ax else "end"


def _arrow(drawing: Drawing, begin: Point, end: Point, kind: str) -> None:
    drawing.line(kind, begin, end)
    if begin[0] != end[0]:
        way = -7 if end[0] > begin[0] else 7
        slope = (end[1] - begin[1]) / (end[0] - begin[0])
        x, y = end[0] + way, end[1] + way * slope
        drawing.path("head", [(x, y - 4), end, (x, y + 4)], closed=True)


def _ending_class(ending: str) -> str:
    return "ending" if ending.startswith(("OK", "SHORT")) else "ending bad"


def _spoken(urb: UrbLine) -> str:
    steps = ", ".join(f"{stage} after {short_time(at - min(urb.stages.values()))}" for stage, at in urb.stages.items())
    return f"{urb.name}: {steps}{'; nothing since' if urb.pending else ''}"


def short_time(seconds: float) -> str:
    """``40 µs``, ``1.80 ms``, ``2.5 s``."""
    size = abs(seconds)
    if size < 0.000_9995:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1e3:.2f} ms" if size < 0.9995 else f"{seconds:.1f} s"
