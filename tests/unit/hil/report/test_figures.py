from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.report import figures

samples = st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=50)


@given(samples, st.floats(0, 100), st.floats(0, 100))
def test_percentiles_grow_and_lie_between_the_extremes(values: list[float], one: float, other: float) -> None:
    low, high = sorted((one, other))
    a, b = figures.percentile(values, low), figures.percentile(values, high)
    slack = 1e-6
    assert min(values) - slack <= a <= b + slack <= max(values) + 2 * slack


@given(samples)
def test_the_fiftieth_percentile_is_the_median(values: list[float]) -> None:
    assert figures.percentile(values, 50) == pytest.approx(figures.median(values), abs=1e-6)


def test_nothing_has_no_median_and_no_percentile() -> None:
    assert math.isnan(figures.median([]))
    assert math.isnan(figures.percentile([], 95))


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0.00"), (1234.5, "1,234"), (12.34, "12.3"), (1.234, "1.23"), (0.00123, "0.0012"), (math.nan, "-")],
)
def test_three_digits_are_shown(value: float, text: str) -> None:
    assert figures.at_most_digits(value) == text


@pytest.mark.parametrize(("count", "text"), [(1, "1 B"), (512, "512 B"), (65536, "64 KiB"), (3 << 40, "3072 GiB")])
def test_sizes_are_in_powers_of_1024(count: int, text: str) -> None:
    assert figures.size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (42.4, "42 s"), (185, "3 min 5 s"), (7900, "2 h 11 min"), (3599.6, "1 h 0 min")],
)
def test_durations_are_as_people_say_them(seconds: float, text: str) -> None:
    assert figures.duration(seconds) == text
