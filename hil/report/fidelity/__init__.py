"""How true an emulated device is to the real one: two captures of the same use, or two runs, against each other.

That one of the two was asked for more is told, and is no difference: it says nothing of the devices.
"""

from __future__ import annotations

from wslusb.replay.facts import Facts
from wslusb.replay.story import Story
from wslusb.replay.wildcards import Wildcards

from ..results import CaseResult, Outcome, Results
from .control import compare_descriptors, compare_requests, not_asked
from .findings import Fidelity, Finding, Verdict
from .streams import compare_streams, endpoints

__all__ = ["Fidelity", "Finding", "Verdict", "compare", "compare_runs"]

_RAN = (Outcome.PASSED, Outcome.FLAKY, Outcome.FAILED)


def compare(real: Story, emulated: Story, wildcards: Wildcards | None = None) -> Fidelity:
    """Hold two captures of a device against each other; ``wildcards`` are bytes that do not count."""
    facts = Facts.of(real), Facts.of(emulated)
    wild = wildcards or Wildcards()
    findings = [
        *compare_descriptors(*facts), *compare_requests(real, emulated, wild), *compare_streams(real, emulated, wild),
    ]  # fmt: skip
    return Fidelity(facts[0].title, facts[1].title, findings, endpoints(real, emulated))


def compare_runs(real: Results, emulated: Results) -> Fidelity:
    """Hold two runs of the suite against each other: tests by name and device, by their outcomes."""
    one, other = ({test.id: test for test in run.tests if test.outcome in _RAN} for run in (real, emulated))
    findings = []
    for name in one | other:
        if name not in one or name not in other:
            findings.append(not_asked(name, has_real=name in one))
        elif _failed(one[name]) == _failed(other[name]):
            findings.append(Finding(Verdict.SAME, name))
        else:
            told = (f"{test.outcome}{f': {test.message}' if test.message else ''}" for test in (one[name], other[name]))
            findings.append(Finding(Verdict.DIFFERENCE, name, "another outcome", *told))
    return Fidelity(f"{real.rig.name}, {real.rig.backend}", f"{emulated.rig.name}, {emulated.rig.backend}", findings)


def _failed(test: CaseResult) -> bool:
    return test.outcome is Outcome.FAILED
