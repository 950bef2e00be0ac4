"""Two runs of the suite against each other: how their tests ended, and what the devices answered in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from wslusb.errors import WslusbError
from wslusb.replay.reading import read

from ..results import CaseResult, Outcome, Results
from .captures import compare
from .control import not_asked
from .findings import Fidelity, Finding, Verdict

__all__ = ["compare_runs"]

_RAN = (Outcome.PASSED, Outcome.FLAKY, Outcome.FAILED)
Tests = dict[str, CaseResult]


def compare_runs(real: Path, emulated: Path) -> Fidelity:
    """Two ``results.json``: tests by name and device, and the captures of those that both have (``--captures``).

    ResultsError, OSError for a file that cannot be read. A capture that cannot be is not compared.
    """
    runs = Results.read(real), Results.read(emulated)
    one, other = ({test.id: test for test in run.tests if test.outcome in _RAN} for run in runs)
    first, second = (f"{run.rig.name}, {run.rig.backend}" for run in runs)
    findings = [*_outcomes(one, other), *_answers(one, other, real.parent, emulated.parent)]
    return Fidelity(first, second, findings)


def _outcomes(one: Tests, other: Tests) -> Iterator[Finding]:
    """A test each; of a device that only one of the two has, its number of tests."""
    devices = [{test.device for test in side.values()} for side in (one, other)]
    alone: Counter[tuple[str, bool]] = Counter()
    for name, test in (one | other).items():
        if name in one and name in other:
            yield _outcome(name, one[name], other[name])
        elif test.device is not None and not all(test.device in side for side in devices):
            alone[test.device, name in one] += 1
        else:
            yield not_asked(name, has_real=name in one)
    for (device, has_real), count in alone.items():
        yield not_asked(f"{device}, in {count} tests", has_real=has_real)


def _outcome(name: str, real: CaseResult, emulated: CaseResult) -> Finding:
    if (real.outcome is Outcome.FAILED) == (emulated.outcome is Outcome.FAILED):
        return Finding(Verdict.SAME, name)
    told = (f"{test.outcome}{f': {test.message}' if test.message else ''}" for test in (real, emulated))
    return Finding(Verdict.DIFFERENCE, name, "another outcome", *told)


def _answers(one: Tests, other: Tests, real: Path, emulated: Path) -> Iterator[Finding]:
    """What the captures of all tests of a device come to: each finding once, with the first test that has it."""
    found: dict[tuple[str, ...], list[str]] = {}
    for name in one.keys() & other.keys():
        for finding in _of_test(one[name], other[name], real, emulated):
            where = f"{one[name].device}: {finding.where}"
            key = (finding.verdict, where, finding.what, finding.real, finding.emulated)
            found.setdefault(key, []).append(one[name].name)
    differing = {where for verdict, where, *_ in found if verdict != Verdict.SAME}
    for (verdict, where, what, *sides), tests in sorted(found.items()):
        if verdict != Verdict.SAME:
            more = f" and {len(tests) - 1} more" if len(tests) > 1 else ""
            yield Finding(Verdict(verdict), where, f"{what}, in {min(tests)}{more}", *sides)
        elif where not in differing:
            yield Finding(Verdict.SAME, where)


def _of_test(one: CaseResult, other: CaseResult, real: Path, emulated: Path) -> list[Finding]:
    """What only one was asked is left out: that is for the tests to say."""
    if one.capture is None or other.capture is None:
        return []
    try:
        result = compare(read(real / one.capture), read(emulated / other.capture))
    except (OSError, WslusbError):
        return []
    return [finding for finding in result.findings if finding.verdict is not Verdict.NOT_ASKED]
