from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hil.bench.record import Measure, Report, figure, table


def rate(**marks: Any) -> Measure:
    measure = Measure("dd", "MB/s", ours="a", theirs="b", **marks)
    for ours, theirs in ((5, 10), (30, 50), (7, 10)):
        measure.add("a", ours)
        measure.add("b", theirs)
    return measure


def test_the_ratio_is_the_median_of_the_rounds_ratios() -> None:
    assert rate().median("b") == 10
    assert rate().ratio == 0.6


def test_a_measure_without_a_rival_has_no_ratio() -> None:
    measure = Measure("codec", "ns", {"a": [1.0]})
    assert measure.ratio is None
    assert measure.verdict == ""


@pytest.mark.parametrize(
    ("marks", "verdict"),
    [
        ({}, ""),
        ({"at_least": 0.6}, "ok >= 0.6"),
        ({"at_least": 0.7}, "short of >= 0.7"),
        ({"at_most": 0.6}, "ok <= 0.6"),
        ({"at_most": 0.5}, "over <= 0.5"),
    ],
)
def test_the_mark_is_judged_by_the_ratio(marks: dict[str, float], verdict: str) -> None:
    assert rate(**marks).verdict == verdict


def test_a_table_has_a_column_a_contender() -> None:
    report = Report("test")
    report.measures = [rate(at_least=0.6), Measure("status", "us", {"c": [1234.5]})]
    assert report.lines() == [
        "        unit     a     b      c  ratio",
        "dd      MB/s  7.00  10.0          0.60  ok >= 0.6",
        "status  us                1,234",
    ]


def test_a_table_without_ratios_has_no_column_for_them() -> None:
    report = Report("test")
    report.measures = [Measure("status", "us", {"c": [1.0]})]
    assert report.lines()[0].split() == ["unit", "c"]


def test_a_busy_machine_is_a_warning() -> None:
    report = Report("test")
    report.load_before = [0.0, 9.0, 9.0]
    assert report.warnings == []
    report.load_before = [999.0, 0.0, 0.0]
    assert "load 999.0" in report.warnings[0]
    report.load_before = []
    assert report.warnings == []


@pytest.mark.parametrize(("value", "text"), [(1234.5, "1,234"), (99.94, "99.9"), (9.999, "10.00"), (0.5, "0.50")])
def test_figures_have_three_digits_that_mean_something(value: float, text: str) -> None:
    assert figure(value) == text


def test_columns_are_aligned() -> None:
    assert table([["a", "b", "1"], ["aa", "bb", "22"]]) == ["a   b    1", "aa  bb  22"]


def test_the_file_has_samples_and_circumstances(tmp_path: Path) -> None:
    report = Report("test", {"rounds": 3})
    report.measures = [rate(at_least=0.6)]
    path = report.save(tmp_path / "results")
    assert path.name == f"test-{report.started:%Y%m%dT%H%M%SZ}.json"
    saved = json.loads(path.read_text())
    assert saved["schema"] == "wslusb.bench/1"
    assert {"command", "versions", "cpus", "load", "notes", "seconds"} <= saved.keys()
    [measure] = saved["measures"]
    assert measure["samples"] == {"a": [5, 30, 7], "b": [10, 50, 10]}
    assert (measure["medians"], measure["ratio"], measure["verdict"]) == ({"a": 7, "b": 10}, 0.6, "ok >= 0.6")
