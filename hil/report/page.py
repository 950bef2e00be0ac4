"""What the page says of results, before it is HTML: a verdict, counts, a matrix, groups."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from . import before
from .comparing import first_difference
from .results import CaseResult, Comparison, DeviceFacts, Outcome, Results

__all__ = [
    "Cause", "Cell", "Row", "causes", "compared", "describe", "matrix", "reasons", "slowest", "verdict",
]  # fmt: skip

_WORST = (
    Outcome.FAILED, Outcome.INFRASTRUCTURE, Outcome.FLAKY, Outcome.QUARANTINED, Outcome.PASSED, Outcome.SKIPPED,
)  # fmt: skip
_RAN = (Outcome.PASSED, Outcome.FAILED, Outcome.FLAKY)
_ANY = "any"
_VALUE = re.compile(r': (?=["{\[])')
"""Where the JSON of a text, a list or an object begins."""
_NUMBER = re.compile(r"0x[0-9a-f]+|\d[\d.,]*")


@dataclass(slots=True)
class Cell:
    """The tests of a device for a trait: how many ended how, the worst first."""

    counts: dict[Outcome, int]

    @property
    def worst(self) -> Outcome:
        """The outcome that a person should look at first."""
        return next(iter(self.counts))


@dataclass(slots=True)
class Row:
    """A device with its cells by trait, and its tests. ``device`` is None for tests of the rig itself."""

    device: str | None
    facts: DeviceFacts | None
    cells: dict[str, Cell]
    tests: list[CaseResult]

    @property
    def name(self) -> str:
        """What people call it."""
        return "the rig itself" if self.device is None else self.device


@dataclass(slots=True)
class Cause:
    """Tests that probably failed by one cause: what went wrong first, and where to look."""

    outcome: Outcome
    tests: list[CaseResult]

    @property
    def first(self) -> CaseResult:
        """The one to look at."""
        return self.tests[0]

    @property
    def devices(self) -> list[str]:
        """Whose tests they are."""
        return _devices(self.tests, self.outcome)


def verdict(results: Results) -> tuple[Outcome, str, list[str]]:
    """All of it in a sentence, the outcome whose colour it has, and what else there is to know, a sentence each."""
    count = results.counted()
    ran = sum(count[outcome] for outcome in _RAN)
    more = _asides(results, count)
    if count[Outcome.FAILED]:
        where = _listed(_devices(results.tests, Outcome.FAILED))
        what = f"{count[Outcome.FAILED]} of {_number(ran, 'test')} failed, on {where}."
        return Outcome.FAILED, what, more
    if not ran:
        why = reasons(results.tests, Outcome.SKIPPED) or reasons(results.tests, Outcome.QUARANTINED)
        worst = Outcome.INFRASTRUCTURE if count[Outcome.INFRASTRUCTURE] else Outcome.SKIPPED
        if worst is Outcome.INFRASTRUCTURE:
            return worst, "Nothing was tested: the rig failed.", more
        if results.interrupted:
            return Outcome.INFRASTRUCTURE, "The run was interrupted before its first result.", more
        first = f" Most were skipped because: {why[0][0]}." if why else ""
        return worst, f"Nothing was tested.{first}", more
    devices = len({test.device for test in results.tests if test.device and test.outcome in _RAN})
    on = f" on {_number(devices, 'device')}" if devices else ""
    passed = f"{'The one test' if ran == 1 else f'All {ran} tests'} that ran passed{on}."
    broken = count[Outcome.INFRASTRUCTURE] or results.unfinished or results.interrupted
    worst = Outcome.INFRASTRUCTURE if broken else Outcome.FLAKY if count[Outcome.FLAKY] else Outcome.PASSED
    return worst, passed, more


def _asides(results: Results, count: Mapping[Outcome, int]) -> list[str]:
    said = []
    if results.unfinished or results.interrupted:
        left = f": {_number(results.unfinished, 'test')} did not have a turn" if results.unfinished else ""
        said.append(f"The run broke off{left}.")
    if count[Outcome.INFRASTRUCTURE]:
        said.append(
            f"The rig failed in {_number(count[Outcome.INFRASTRUCTURE], 'test')}, which says nothing of the devices."
        )
    if count[Outcome.FLAKY]:
        said.append(f"{_number(count[Outcome.FLAKY], 'test')} passed only after a power-cycle.")
    absent = [device.name for device in results.devices if device.state == "absent"]
    if absent:
        said.append(f"{_listed(absent)} {'was' if len(absent) == 1 else 'were'} absent.")
    out = [test for test in results.tests if test.outcome is Outcome.QUARANTINED]
    if out:
        devices = _devices(out, Outcome.QUARANTINED)
        said.append(f"{_number(len(out), 'test')} of {_listed(devices)} {_were(out)} left out for too many failures.")
    if results.before is not None:
        said.append(_since(results))
    return said


def _were(what: Sequence[object]) -> str:
    return "was" if len(what) == 1 else "were"


def _since(results: Results) -> str:
    """Against the run before, in a sentence."""
    bad = [test for test in results.tests if test.outcome in before.BAD]
    new = [test for test in bad if test.before not in before.BAD]
    gone = before.mended(results)
    parts = [
        f"{len(new)} of {_number(len(bad), 'failure')} {_is(new)} new" if bad else "No failure is new",
        f"{_number(len(gone), 'test')} that failed then {'passes' if len(gone) == 1 else 'pass'}" if gone else "",
    ]
    return f"Against the run of {str(results.before).replace('T', ' ')[:16]}: {', '.join(filter(None, parts))}."


def _is(what: Sequence[object]) -> str:
    return "is" if len(what) == 1 else "are"


def causes(results: Results) -> list[Cause]:
    """Failures, and troubles of the rig, that have a part or a message in common; of each kind what came first."""
    found = []
    for outcome in before.BAD:
        groups: dict[str, list[CaseResult]] = {}
        for test in results.tests:
            if test.outcome is outcome:
                groups.setdefault(_sort_of(test), []).append(test)
        found += [Cause(outcome, tests) for tests in groups.values()]
    return found


def _sort_of(test: CaseResult) -> str:
    """The same for what probably has one cause: where to look, or else the message without what is the test's own."""
    if test.where and test.outcome is Outcome.FAILED:
        return test.where
    message = _NUMBER.sub("#", test.message.replace(test.device or "\0", "*"))
    return ": ".join(message.split(": ")[:2]) if test.outcome is Outcome.INFRASTRUCTURE else message


def compared(comparison: Comparison) -> list[tuple[str, str, str]]:
    """What, natively, in the guest: a row a part, where the two texts have the same parts; else one row of all."""
    pairs = zip(comparison.native.split("\n"), comparison.passthrough.split("\n"), strict=False)
    rows = [_row(one, other) for one, other in pairs]
    return rows if all(path for path, _, _ in rows) else [("", comparison.native, comparison.passthrough)]


def _row(one: str, other: str) -> tuple[str, str, str]:
    """``path: value`` twice; the path may have colons of its own, and so may values that begin alike."""
    common = one[: first_difference(one, other)]
    path = _VALUE.split(common, maxsplit=1)[0] if _VALUE.search(common) else common.rpartition(": ")[0]
    begin = len(path) + 2
    return (path, one[begin:], other[begin:]) if path else ("", one, other)


def _devices(tests: Iterable[CaseResult], outcome: Outcome) -> list[str]:
    return list(dict.fromkeys(test.device or "the rig itself" for test in tests if test.outcome is outcome))


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _number(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def matrix(results: Results) -> tuple[list[str], list[Row]]:
    """Traits, and a row a device: those of the rig file first, in its order, then the rig itself."""
    facts = {device.name: device for device in results.devices}
    devices: dict[str | None, None] = dict.fromkeys([*facts, *(test.device for test in results.tests)])
    counted: dict[tuple[str | None, str], Counter[Outcome]] = {}
    for test in results.tests:
        for trait in test.traits or [_ANY]:
            counted.setdefault((test.device, trait), Counter())[test.outcome] += 1
    found = {trait for _, trait in counted}
    traits = [*([_ANY] if _ANY in found else []), *sorted(found - {_ANY})]
    rows = []
    for device in devices:
        cells = {
            trait: Cell({outcome: count[outcome] for outcome in _WORST if count[outcome]})
            for trait in traits
            if (count := counted.get((device, trait))) is not None
        }
        mine = [test for test in results.tests if test.device == device]
        rows.append(Row(device, facts.get(device or ""), cells, mine))
    return traits, rows


def reasons(tests: Iterable[CaseResult], outcome: Outcome) -> list[tuple[str, list[CaseResult]]]:
    """The tests of an outcome by message, the most frequent first."""
    groups: dict[str, list[CaseResult]] = {}
    for test in tests:
        if test.outcome is outcome:
            groups.setdefault(test.message or "no reason was given", []).append(test)
    return sorted(groups.items(), key=lambda group: -len(group[1]))


def slowest(tests: Iterable[CaseResult], count: int = 10) -> list[CaseResult]:
    """Those that took longest."""
    return sorted((test for test in tests if test.seconds > 0), key=lambda test: -test.seconds)[:count]


def describe(device: DeviceFacts) -> str:
    """VID:PID and speed, of what is known."""
    known = f"{device.vid:04x}:{device.pid:04x}" if device.vid is not None and device.pid is not None else ""
    return ", ".join(filter(None, (known, f"{device.speed} speed" if device.speed else "")))
