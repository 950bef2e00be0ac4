from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markupsafe import Markup

from hil.report import plots
from hil.report.events import UrbLine
from hil.report.flights import Stage
from hil.report.ladder import ladder, short_time
from hil.report.results import Better, Measurement
from hil.report.svg import Scale, nice_ticks

values = st.floats(-1e6, 1e9) | st.integers(0, 5).map(float)


def element(picture: Markup) -> ET.Element:
    return ET.fromstring(picture)  # noqa: S314 -- our own


def by_class(picture: Markup, kind: str) -> list[ET.Element]:
    return [each for each in element(picture).iter() if each.get("class") == kind]


def inside(picture: Markup) -> bool:
    root = element(picture)
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    for each in root.iter():
        across = [float(each.get(name, 0)) for name in ("x", "x1", "x2", "cx")]
        down = [float(each.get(name, 0)) for name in ("y", "y1", "y2", "cy")]
        points = [tuple(map(float, pair)) for pair in re.findall(r"(-?[\d.]+) (-?[\d.]+)", each.get("d", ""))]
        across += [x for x, _ in points]
        down += [y for _, y in points]
        if not all(-1 <= x <= width + 1 for x in across) or not all(-1 <= y <= height + 1 for y in down):
            return False
    return "nan" not in picture and "inf" not in picture


@given(
    st.lists(values, min_size=1, max_size=40), st.lists(values, min_size=1, max_size=40), st.none() | st.floats(0.1, 9)
)
def test_a_distribution_stays_in_its_frame(native: list[float], ours: list[float], limit: float | None) -> None:
    assert inside(plots.distribution(Measurement.of("latency", "us", native, ours, limit=limit), "t"))


@given(
    st.lists(st.tuples(st.lists(st.floats(0, 1e6), max_size=5), st.lists(st.floats(0, 1e6), max_size=5)), min_size=1)
)
@example([([], [5e-324])])
def test_a_curve_stays_in_its_frame_whatever_is_missing(points: list[tuple[list[float], list[float]]]) -> None:
    measured = [
        Measurement.of("throughput", "MB/s", *sides, limit=0.4, better=Better.HIGHER, at={"size": 1 << number})
        for number, sides in enumerate(points)
    ]
    assert inside(plots.by_size(measured, "t"))


def test_a_distribution_grows_from_nothing_to_everything() -> None:
    picture = plots.distribution(Measurement.of("latency", "us", [1.0, 2.0, 3.0], [2.0, 4.0, 6.0]), "t")
    for kind in ("line native", "line passthrough"):
        (line,) = by_class(picture, kind)
        heights = [float(y) for _, y in re.findall(r"([\d.]+) ([\d.]+)", line.attrib["d"])]
        assert heights == sorted(heights, reverse=True)


@pytest.mark.parametrize(("limit", "better_off"), [(3.0, True), (1.5, False)])
def test_the_median_lies_on_the_side_of_the_limit_that_the_verdict_says(limit: float, better_off: bool) -> None:
    measurement = Measurement.of("latency", "us", [10.0] * 3, [20.0, 20.0, 40.0], limit=limit)
    picture = plots.distribution(measurement, "t")
    (edge,), (mark,) = by_class(picture, "limit"), by_class(picture, "mark passthrough")
    assert (float(mark.attrib["x"]) + 4 < float(edge.attrib["x1"])) is better_off is measurement.within


@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6))
def test_a_ratio_is_drawn_whatever_it_is(native: float, ours: float) -> None:
    assert inside(plots.ratio_bar(Measurement.of("x", "us", [native], [ours], limit=2.0)))


def test_without_a_ratio_nothing_is_drawn() -> None:
    assert plots.ratio_bar(Measurement("x", "us")) == ""


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_ticks_are_few_and_within(low: float, span: float) -> None:
    ticks = nice_ticks(low, low + span)
    assert len(ticks) <= 7
    assert all(low - span * 1e-6 <= tick <= low + span * 1.000001 for tick in ticks)


@given(st.floats(1e-3, 1e6), st.floats(1.5, 1e6))
def test_a_logarithmic_axis_has_round_numbers(low: float, factor: float) -> None:
    ticks = Scale(low, low * factor, 0, 100, log=True).ticks()
    assert all(f"{tick:e}"[0] in "125" for tick in ticks)
    assert all(low <= tick <= low * factor for tick in ticks)


# -- the ladder

WHOLE = {stage.value: number * 0.001 for number, stage in enumerate(Stage)}


def test_a_whole_way_has_all_steps_and_both_endings() -> None:
    picture = ladder(UrbLine("bulk IN 0x81, 512 bytes", 7, WHOLE, "STALL, 0 bytes", "OK, 512 bytes"), "t")
    assert inside(picture)
    assert len(by_class(picture, "step")) == 7
    assert len(by_class(picture, "stop")) == 8
    assert [each.text for each in by_class(picture, "ending bad")] == ["STALL, 0 bytes"]
    assert [each.text for each in by_class(picture, "ending")] == ["OK, 512 bytes"]
    assert not by_class(picture, "cross")


def test_a_pending_urb_has_a_cross_where_it_was_last_seen() -> None:
    stages = dict(list(WHOLE.items())[:4])
    picture = ladder(UrbLine("bulk IN 0x81, 512 bytes", 7, stages, pending=True), "t")
    assert len(by_class(picture, "step")) == 3
    assert len(by_class(picture, "cross")) == 2
    assert [each.text for each in by_class(picture, "ending bad")] == ["nothing since"]


@given(st.sets(st.sampled_from(Stage), min_size=1), st.booleans())
def test_any_part_of_the_way_can_be_drawn(stages: set[Stage], pending: bool) -> None:
    known = {stage.value: WHOLE[stage] for stage in Stage if stage in stages}
    picture = ladder(UrbLine("x", None, known, "OK, 1 bytes", "OK, 1 bytes", pending=pending), "t")
    assert inside(picture)
    assert len(by_class(picture, "step")) + len(by_class(picture, "step unseen")) == len(stages) - 1


@pytest.mark.parametrize(
    ("seconds", "text"), [(4e-5, "40 µs"), (0, "0 µs"), (0.0018, "1.80 ms"), (0.9999, "1.0 s"), (2.5, "2.5 s")]
)
def test_times_are_short(seconds: float, text: str) -> None:
    assert short_time(seconds) == text
    assert math.isfinite(seconds)


def test_a_limit_that_is_not_kept_is_told_in_a_line() -> None:
    slow = Measurement.of("latency", "us", [100.0], [3358.0], limit=25, at={"size": 65536})
    said = "latency, size 64 KiB: 33.6 times native, and may be at most 25.0 times native (3,358 us against 100 us)"
    assert plots.broken(slow) == said


def test_where_one_side_is_far_below_the_other_both_can_be_read() -> None:
    rates = {size: ([1000.0 * size] * 3, [0.5 * size] * 3) for size in (512, 4096, 65536)}
    points = [Measurement.of("throughput", "MiB/s", *both, at={"size": size}) for size, both in rates.items()]
    drawn = plots.by_size(points, "x")
    heights = [float(y) for y in re.findall(r'class="mark passthrough" x="[^"]*" y="([^"]*)"', drawn)]
    assert max(heights) - min(heights) > 40
    assert "logarithmic" in drawn


def test_a_ratio_without_a_limit_is_neither_good_nor_bad() -> None:
    assert "bar free" in plots.ratio_bar(Measurement.of("x", "us", [1.0], [2.0]))
    assert "bar good" in plots.ratio_bar(Measurement.of("x", "us", [1.0], [2.0], limit=3))
    assert "bar bad" in plots.ratio_bar(Measurement.of("x", "us", [1.0], [4.0], limit=3))


def test_the_step_at_which_it_went_wrong_is_marked() -> None:
    urb = UrbLine("bulk IN", 1, {stage.value: float(place) for place, stage in enumerate(Stage)})
    assert ladder(urb, "x", Stage.ANSWERED).count("step wrong") == 1
    assert "step wrong" not in ladder(urb, "x")
