from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from hil.errors import RigError
from hil.report.results import (
    Attempt,
    Better,
    CaseResult,
    Comparison,
    DeviceFacts,
    Measurement,
    Outcome,
    Results,
    ResultsError,
    RigFacts,
)  # fmt: skip


def results() -> Results:
    rig = RigFacts("bench-1", "real", "bench.toml", {"kernel": "6.12.1"}, {"kernel": "6.6.0"})
    stick = DeviceFacts("stick", 0x0951, 0x1666, "60A4", ["storage"], "destructive", "high", "sha256:1", "uhubctl")
    latency = Measurement.of("latency", "us", [1.0, 2.0, 3.0], [4.0], limit=3.0, at={"size": 512})
    tests = [
        CaseResult("hil/suite/test_a.py::test_reads[stick]", Outcome.PASSED, device="stick", measurements=[latency]),
        CaseResult(
            "hil/suite/test_a.py::test_writes[stick]", Outcome.FLAKY, "Writes.", "stick", ["storage"], 1.5, "differs",
            "Traceback", "failures/a/", [Attempt(Outcome.FAILED, "differs", 1.0), Attempt(Outcome.PASSED)], [],
            Comparison("sha256", "aa", "bb"),
        ),
    ]  # fmt: skip
    return Results(rig, "2026-11-23T01:00:00+00:00", 2.5, {"wslusb": "0.1"}, 7, ["pytest"], [stick], tests)


def written(tmp_path: Path, *path: str | int, value: object) -> Path:
    """A file with one value put in place."""
    body = results().as_json()
    place: object = body
    for step in path[:-1]:
        place = place[step]  # type: ignore[index]
    place[path[-1]] = value  # type: ignore[index]
    file = tmp_path / "results.json"
    file.write_text(json.dumps(body))
    return file


def test_what_is_written_is_read(tmp_path: Path) -> None:
    mine = results()
    again = Results.read(mine.write(tmp_path / "out" / "results.json"))
    assert again.tests == mine.tests
    assert again.devices == mine.devices
    assert again.rig == mine.rig
    assert again.summary == mine.counted()
    assert again.as_json() == mine.as_json()


def test_the_file_begins_with_its_schema_and_counts_all_outcomes(tmp_path: Path) -> None:
    body = json.loads(results().write(tmp_path / "results.json").read_text())
    assert next(iter(body.items())) == ("schema", 1)
    assert body["summary"] == {
        "passed": 1, "failed": 0, "skipped": 0, "infrastructure": 0, "flaky": 1, "quarantined": 0,
    }  # fmt: skip


def test_nothing_else_is_left_beside_the_file(tmp_path: Path) -> None:
    results().write(tmp_path / "results.json")
    assert [each.name for each in tmp_path.iterdir()] == ["results.json"]


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        (("tests", 1, "outcome"), "broken", "tests.1.outcome"),
        (("tests", 0, "seconds"), "long", "tests.0.seconds"),
        (("tests", 0, "measurements", 0, "native"), [1, None], "tests.0.measurements.0.native.1"),
        (("tests", 0, "measurements", 0, "native"), [1, math.nan], "tests.0.measurements.0.native.1"),
        (("devices", 0, "name"), None, "devices.0.name"),
        (("rig",), {}, "rig.name"),
        (("started",), "yesterday", "started"),
    ],
)
def test_a_wrong_value_is_told_with_its_place(
    tmp_path: Path, path: tuple[str | int, ...], value: object, place: str
) -> None:
    with pytest.raises(ResultsError, match=rf"results\.json: {place}: ") as caught:
        Results.read(written(tmp_path, *path, value=value))
    assert isinstance(caught.value, RigError)


@pytest.mark.parametrize("text", ["", "[1]", "{}", '{"schema": 2}', "\x00", "\N{PILE OF POO}"])
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "x.json"
    file.write_text(text)
    with pytest.raises(ResultsError, match=r"x\.json: (not JSON|schema)"):
        Results.read(file)


def test_what_a_later_version_adds_is_left_out(tmp_path: Path) -> None:
    assert Results.read(written(tmp_path, "tests", 0, "mood", value="good")).tests == results().tests


def test_half_a_surrogate_pair_of_a_device_does_not_break_the_file(tmp_path: Path) -> None:
    mine = results()
    mine.devices[0].serial = "\ud800X"
    assert Results.read(mine.write(tmp_path / "results.json")).devices[0].serial == "?X"


@pytest.mark.parametrize(
    ("native", "passthrough", "ratio"), [([2.0, 4.0, 100.0], [8.0], 2.0), ([], [1.0], None), ([0.0], [1.0], None)]
)
def test_the_ratio_is_of_medians_and_absent_without_a_native_side(
    native: list[float], passthrough: list[float], ratio: float | None
) -> None:
    assert Measurement.of("latency", "us", native, passthrough).ratio == ratio


@pytest.mark.parametrize(
    ("better", "limit", "within"),
    [(Better.LOWER, 2.0, True), (Better.LOWER, 1.9, False), (Better.HIGHER, 2.1, False), (Better.HIGHER, 2.0, True)],
)
def test_a_limit_counts_in_the_direction_that_is_better(better: Better, limit: float, within: bool) -> None:
    assert Measurement.of("x", "us", [1.0], [2.0], limit=limit, better=better).within is within


def test_without_a_limit_nothing_is_exceeded() -> None:
    assert Measurement.of("x", "us", [1.0], [2.0]).within is None


def test_a_file_that_is_nested_too_deeply_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("[" * 100_000)
    with pytest.raises(ResultsError, match="not JSON"):
        Results.read(path)
