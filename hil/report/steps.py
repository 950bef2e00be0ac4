"""How to go on with a test that did not pass: the commands that the page has for it."""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from .events import Timeline
from .flights import Stage
from .results import CaseResult, Outcome, Results

__all__ = ["Step", "next_steps"]

_WITH_VALUE = frozenset({"-c", "-k", "-m", "-n", "-o", "-p", "-W"})
"""Of pytest's short options."""
_OF_DEVICES = ("--dut", "--destructive")
_CHOICES = ("-k", "--results", "--against", *_OF_DEVICES)
"""What says which tests are run, on which devices, and where their results go."""


@dataclass(slots=True)
class Step:
    """Something to do next."""

    what: str
    command: str


def next_steps(
    test: CaseResult, results: Results, held: Mapping[str, str], timeline: Timeline | None = None
) -> list[Step]:
    """How to go on with a test that did not pass. ``held``: where each file of its folder is, by name."""
    steps = [Step("Run it again", _again(test, results))]
    if test.outcome is Outcome.INFRASTRUCTURE:
        steps.append(Step("See what the rig lacks", "python -m hil doctor"))
    out = [each.name for each in results.devices if each.state == "quarantined"]
    if test.outcome is Outcome.QUARANTINED and test.device and test.device in out:
        steps.append(Step("Let the device take part again", f"python -m hil release {shlex.quote(test.device)}"))
    if "regression" in held:
        steps.append(
            Step("Run the failure as a test, without the hardware", f"pytest {shlex.quote(held['regression'])}")
        )
    if "faults.jsonl" in held:
        faults = shlex.quote(held["faults.jsonl"])
        steps.append(Step("Inject the same faults again", f"wslusb serve --faults {faults}"))
    if "capture.pcapng" in held:
        capture = shlex.quote(held["capture.pcapng"])
        steps.append(Step("Serve the device as it answered, without the hardware", f"wslusb replay {capture}"))
        if "regression" not in held:
            steps.append(Step("Make a regression test of it", f"wslusb replay --to-test tests/regressions {capture}"))
        if chosen := _filter(timeline):
            steps.append(Step("Look at that URB in Wireshark", f"wireshark {capture} -Y {shlex.quote(chosen)}"))
        steps.append(
            Step("For an issue: the capture without what is private", f"wslusb redact {capture} for-the-issue.pcapng")
        )
    return steps


def _filter(timeline: Timeline | None) -> str:
    """Wireshark's words for the URB to look at, in the host's capture: its number there comes again later."""
    urb = timeline.suspected if timeline is not None else None
    asked = urb.stages.get(Stage.ASKED) if urb is not None else None
    if timeline is None or urb is None or urb.urb is None or asked is None:
        return ""
    begin, end = (timeline.zero / 1e9 + at for at in (asked - 0.001, urb.stages.get(Stage.ANSWERED, 0.0) + 0.001))
    return f"usb.urb_id == {urb.urb} && frame.time_epoch > {begin:.3f} && frame.time_epoch < {end:.3f}"


def _again(test: CaseResult, results: Results) -> str:
    """The command of the run, for this test alone and into another folder, so that this report stays.

    Its options stay; what it chose of the suite and of the devices goes.
    """
    program, *arguments = results.command or ["pytest"]
    start = [program]
    if program == "nox" and "--" in arguments:
        at = arguments.index("--") + 1
        start, arguments = [program, *arguments[:at]], arguments[at:]
    module = test.id.partition("::")[0]
    kept: list[str] = []
    for previous, argument in itertools.pairwise(["", *arguments]):
        if previous in _CHOICES or argument in _CHOICES or argument.startswith(tuple(f"{each}=" for each in _CHOICES)):
            if previous in _OF_DEVICES and argument == test.device:
                kept += [previous, argument]
        elif argument.startswith("-") or not (
            _chooses(argument, module) or (_is_path(argument) and not _wants(previous))
        ):
            kept.append(argument)
    return shlex.join([*start, *kept, "--results", "hil-again", test.id])


def _chooses(argument: str, module: str) -> bool:
    """Whether it names the module of a test, or a folder that it is in."""
    return module == argument.partition("::")[0] or module.startswith(f"{argument.rstrip('/')}/")


def _is_path(argument: str) -> bool:
    return "/" in argument or argument.partition("::")[0].endswith(".py")


def _wants(option: str) -> bool:
    """Whether an option's value may follow it."""
    return (option.startswith("--") and "=" not in option) or option in _WITH_VALUE
