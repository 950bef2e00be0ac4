"""What the page says of results, before it is HTML: a verdict, counts, a matrix, groups, and how to go on."""

from __future__ import annotations

import itertools
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .results import CaseResult, DeviceFacts, Outcome, Results

__all__ = ["Cell", "Row", "Step", "describe", "matrix", "next_steps", "reasons", "slowest", "verdict"]

_WORST = (
    Outcome.FAILED, Outcome.INFRASTRUCTURE, Outcome.FLAKY, Outcome.QUARANTINED, Outcome.PASSED, Outcome.SKIPPED,
)  # fmt: skip
_RAN = (Outcome.PASSED, Outcome.FAILED, Outcome.FLAKY)
_ANY = "any"
_WITH_VALUE = frozenset({"-c", "-k", "-m", "-n", "-o", "-p", "-W"})
"""Of pytest's short options."""


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
class Step:
    """Something to do next."""

    what: str
    command: str


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
        first = f" Most were skipped because: {why[0][0]}." if why and worst is Outcome.SKIPPED else ""
        return worst, f"Nothing was tested.{first}", more
    devices = len({test.device for test in results.tests if test.device and test.outcome in _RAN})
    on = f" on {_number(devices, 'device')}" if devices else ""
    passed = f"All {_number(ran, 'test')} that ran passed{on}."
    worst = next((outcome for outcome in (Outcome.INFRASTRUCTURE, Outcome.FLAKY) if count[outcome]), Outcome.PASSED)
    return worst, passed, more


def _asides(results: Results, count: Mapping[Outcome, int]) -> list[str]:
    said = []
    if count[Outcome.INFRASTRUCTURE]:
        said.append(
            f"The rig failed in {_number(count[Outcome.INFRASTRUCTURE], 'test')}, which says nothing of the devices."
        )
    if count[Outcome.FLAKY]:
        said.append(f"{_number(count[Outcome.FLAKY], 'test')} passed only after a power-cycle.")
    absent = [device.name for device in results.devices if device.state == "absent"]
    if absent:
        said.append(f"{_listed(absent)} {'was' if len(absent) == 1 else 'were'} absent.")
    quarantined = _devices(results.tests, Outcome.QUARANTINED)
    if quarantined:
        said.append(f"{_listed(quarantined)} {'is' if len(quarantined) == 1 else 'are'} in quarantine.")
    return said


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


def next_steps(test: CaseResult, results: Results, held: Mapping[str, str]) -> list[Step]:
    """How to go on with a test that did not pass. ``held``: where each file of its folder is, by name."""
    steps = [Step("Run it again", _again(test, results))]
    if test.outcome is Outcome.INFRASTRUCTURE:
        steps.append(Step("See what the rig lacks", "python -m hil doctor"))
    if test.outcome is Outcome.QUARANTINED and test.device:
        steps.append(Step("Let the device take part again", f"python -m hil release {shlex.quote(test.device)}"))
    tools = {
        "timeline.txt": ("Read what happened, by time", "less {}"),
        "capture.pcapng": ("Look at the host's capture", "wireshark {}"),
        "capture-guest.pcapng": ("Look at the guest's capture", "wireshark {}"),
        "faults.jsonl": ("Inject the same faults again", "wslusb serve --faults {}"),
        "regression": ("Run the failure as a test, without the hardware", "pytest {}"),
    }
    steps += [
        Step(what, command.format(shlex.quote(held[name]))) for name, (what, command) in tools.items() if name in held
    ]
    if "capture.pcapng" in held:
        capture = shlex.quote(held["capture.pcapng"])
        steps.append(Step("Serve the device as it answered, without the hardware", f"wslusb replay {capture}"))
        if "regression" not in held:
            steps.append(Step("Make a regression test of it", f"wslusb replay --to-test tests/regression {capture}"))
    return steps


def _again(test: CaseResult, results: Results) -> str:
    """The command of the run, for this test alone: its options stay, and what it chose of the suite goes."""
    program, *arguments = results.command or ["pytest"]
    module = test.id.partition("::")[0]
    kept = [
        argument
        for before, argument in itertools.pairwise(["", *arguments])
        if argument.startswith("-") or not (_chooses(argument, module) or (_is_path(argument) and not _wants(before)))
    ]
    return shlex.join([program, *kept, test.id])


def _chooses(argument: str, module: str) -> bool:
    """Whether it names the module of a test, or a folder that it is in."""
    return module == argument.partition("::")[0] or module.startswith(f"{argument.rstrip('/')}/")


def _is_path(argument: str) -> bool:
    return "/" in argument or argument.partition("::")[0].endswith(".py")


def _wants(option: str) -> bool:
    """Whether an option's value may follow it."""
    return (option.startswith("--") and "=" not in option) or option in _WITH_VALUE


def describe(device: DeviceFacts) -> str:
    """VID:PID and speed, of what is known."""
    known = f"{device.vid:04x}:{device.pid:04x}" if device.vid is not None and device.pid is not None else ""
    return ", ".join(filter(None, (known, f"{device.speed} speed" if device.speed else "")))
