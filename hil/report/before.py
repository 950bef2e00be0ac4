"""A run held against the one before it: which failures are new, and which are gone."""

from __future__ import annotations

from pathlib import Path

from .results import CaseResult, Outcome, Results, ResultsError

__all__ = ["BAD", "earlier", "held_against", "mended", "since"]

BAD = (Outcome.FAILED, Outcome.INFRASTRUCTURE)
_WORDS = {
    Outcome.PASSED: "new: it passed in the run before", Outcome.FAILED: "it failed in the run before, too",
    Outcome.INFRASTRUCTURE: "the rig failed it in the run before", Outcome.FLAKY: "it was flaky in the run before",
}  # fmt: skip


def earlier(path: Path, rig: str) -> Results | None:
    """The results in a file, if there is one of the same rig."""
    try:
        found = Results.read(path)
    except (OSError, ResultsError):
        return None
    return found if found.rig.name == rig else None


def held_against(now: Results, then: Results) -> None:
    """Write down in each test how it ended then."""
    ended = {test.id: test.outcome for test in then.tests}
    for test in now.tests:
        test.before = ended.get(test.id)
    now.before = then.started


def since(test: CaseResult, results: Results) -> str:
    """Whether what is wrong with a test is new; empty if there is no run to hold it against."""
    if results.before is None:
        return ""
    return _WORDS.get(test.before or Outcome.SKIPPED, "it was not run in the run before")


def mended(results: Results) -> list[CaseResult]:
    """What failed then and passes now."""
    return [test for test in results.tests if test.before in BAD and test.outcome is Outcome.PASSED]
