from __future__ import annotations

from pathlib import Path

import pytest

from hil.report import before, page
from hil.report.results import CaseResult, Outcome, Results, RigFacts


def run(**ends: Outcome) -> Results:
    tests = [CaseResult(f"hil/suite/test_x.py::{name}", outcome, device="stick") for name, outcome in ends.items()]
    return Results(RigFacts("bench", "real"), "2026-11-22T01:00:00+00:00", tests=tests)


@pytest.fixture
def tonight() -> Results:
    now = run(new=Outcome.FAILED, old=Outcome.FAILED, rigs=Outcome.INFRASTRUCTURE, mended=Outcome.PASSED)
    then = run(new=Outcome.PASSED, old=Outcome.FAILED, mended=Outcome.INFRASTRUCTURE)
    before.held_against(now, then)
    return now


def test_each_failure_says_how_the_test_ended_in_the_run_before(tonight: Results) -> None:
    assert [before.since(test, tonight) for test in tonight.tests[:3]] == [
        "new: it passed in the run before", "it failed in the run before, too", "it was not run in the run before",
    ]  # fmt: skip
    assert [test.name for test in before.mended(tonight)] == ["mended"]


def test_the_verdict_counts_what_is_new(tonight: Results) -> None:
    said = "Against the run of 2026-11-22 01:00: 2 of 3 failures are new, 1 test that failed then passes."
    assert page.verdict(tonight)[2][-1] == said


def test_without_a_run_before_nothing_is_said() -> None:
    alone = run(a=Outcome.FAILED)
    assert before.since(alone.tests[0], alone) == ""
    assert page.verdict(alone)[2] == []


def test_what_is_held_against_is_of_the_same_rig_and_readable(tmp_path: Path) -> None:
    path = run(a=Outcome.PASSED).write(tmp_path / "results.json")
    assert before.earlier(path, "bench") is not None
    assert before.earlier(path, "another") is None
    path.write_text("{")
    assert before.earlier(path, "bench") is None
    assert before.earlier(tmp_path / "none.json", "bench") is None
