"""How a test ends: its own failure or the rig's, one more try after a power-cycle, quarantine."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

import pytest
from _pytest.runner import runtestprotocol

from hil.errors import CommandFailedError, CommandTimeoutError, DeviceAbsentError, RigError
from hil.harness import evidence
from hil.harness.lifetime import Lifetime
from hil.live.device import LiveDevice
from hil.live.side import TIMEOUT, ProbeError
from hil.power.switch import PowerError
from hil.report.results import Attempt, Outcome
from hil.rig import safety
from hil.rig.model import Safety
from hil.waiting import TooLateError

__all__ = ["ATTEMPTS", "Course", "is_the_rig_s", "outcome_of", "run", "waited"]

ATTEMPTS = pytest.StashKey[list[Attempt]]()
"""What became of each try of a test."""
DEVICE = pytest.StashKey[LiveDevice]()
"""The device that a test asked for, once the rig is up."""
ERROR = pytest.StashKey[bool]()
"""Whether what a test failed by was the rig's."""
WAITED = pytest.StashKey[list[bool]]()
"""Of each try: whether it failed by waiting for what did not come."""
GAVE_UP = (RigError, AssertionError, pytest.fail.Exception)
"""What may befall whoever does something between tests; the last is pytest-timeout, whose time ends at any moment."""
_BAD = (Outcome.FAILED, Outcome.INFRASTRUCTURE)
MOST_FAILURES = 3
"""Tests in a row that a device may fail, each tried twice, before the rest of its tests is left out."""


@dataclass
class Course:
    """How the devices of a session do."""

    key = pytest.StashKey["Course"]()

    in_a_row: Counter[str] = field(default_factory=Counter)
    reasons: dict[str, str] = field(default_factory=dict)
    """The last failure of each device that had one."""
    untried: set[str] = field(default_factory=set)
    """Devices that the rig's trouble has kept from a test: nobody knows how they would have done."""
    stuck: set[str] = field(default_factory=set)
    """Devices whose last test was kept waiting by each try, also after a power-cycle: one more try would be, too."""

    @property
    def failed(self) -> Collection[str]:
        """The devices that failed a test."""
        return self.reasons.keys()

    def note(self, name: str, outcome: Outcome, message: str, *, stuck: bool = False) -> None:
        """Take note of a test's end; ``stuck``: it was kept waiting until then."""
        if outcome in _BAD:
            (self.stuck.add if stuck else self.stuck.discard)(name)
            self.in_a_row[name] += 1
            if outcome is Outcome.FAILED:
                self.reasons[name] = message
            else:
                self.untried.add(name)
        elif outcome in (Outcome.PASSED, Outcome.FLAKY):
            self.in_a_row[name] = 0
            self.stuck.discard(name)

    def quarantined(self, name: str) -> bool:
        """Whether a device has failed so often that it teaches nothing more."""
        return self.in_a_row[name] >= MOST_FAILURES


def is_the_rig_s(error: BaseException) -> bool:
    """Whether a test has failed by trouble of the rig, though all of its machines are well.

    A verb that says no is none, nor is a device that was there when the test began and is not any more, a reader of a
    disk that gets an error, and what waits for a URB for ever: they are what is tested.
    """
    tested = CommandFailedError | CommandTimeoutError | DeviceAbsentError
    return isinstance(error, RigError) and not isinstance(error, tested)


def waited(error: BaseException) -> bool:
    """Whether somebody waited for what did not come: a command, a probe, a test until pytest-timeout has ended it."""
    if isinstance(error, ProbeError):
        return error.status == TIMEOUT
    if isinstance(error, pytest.fail.Exception):
        return str(error).startswith("Timeout ")
    return isinstance(error, CommandTimeoutError | TooLateError)


def outcome_of(reports: list[pytest.TestReport], *, rig_is_to_blame: bool) -> Outcome:
    """What setup, call and teardown come to."""
    if any(report.failed for report in reports):
        return Outcome.INFRASTRUCTURE if rig_is_to_blame else Outcome.FAILED
    return Outcome.SKIPPED if any(report.skipped for report in reports) else Outcome.PASSED


def run(item: pytest.Item, nextitem: pytest.Item | None, *, retry: bool) -> tuple[list[pytest.TestReport], Outcome]:
    """Run a test; if it fails, once more after a power-cycle, where that can be had."""
    reports, outcome = _tries(item, nextitem, retry=retry)
    if outcome in _BAD:
        _set_aside(item)
    return reports, outcome


def _tries(item: pytest.Item, nextitem: pytest.Item | None, *, retry: bool) -> tuple[list[pytest.TestReport], Outcome]:
    attempts = item.stash[ATTEMPTS] = []
    item.stash[WAITED] = []
    reports, outcome = _try(item, nextitem, attempts)
    if outcome not in _BAD or not retry or not _power_cycled(item):
        return reports, outcome
    first = outcome
    again, outcome = _try(item, nextitem, attempts)
    if outcome is Outcome.PASSED:
        return again, Outcome.FLAKY
    return (reports, first) if outcome is Outcome.SKIPPED else (again, outcome)


def _try(
    item: pytest.Item, nextitem: pytest.Item | None, attempts: list[Attempt]
) -> tuple[list[pytest.TestReport], Outcome]:
    item.stash[ERROR] = False
    item.stash[WAITED].append(False)
    evidence.begin(item)
    started = time.monotonic()
    if hasattr(item, "_request") and attempts:
        item._initrequest()  # type: ignore[attr-defined]  # noqa: SLF001 - pytest has no other way to forget fixtures
    reports = runtestprotocol(item, nextitem=nextitem, log=False)
    outcome = outcome_of(reports, rig_is_to_blame=item.stash[ERROR])
    message = message_of(item, reports)
    if any(report.failed for report in reports):
        evidence.keep(item, reports, message)
    folder = item.stash.get(evidence.ARTEFACTS, None)
    attempts.append(Attempt(outcome, message, time.monotonic() - started, folder))
    return reports, outcome


def message_of(item: pytest.Item, reports: list[pytest.TestReport]) -> str:
    """What went wrong, or why it was skipped."""
    for report in reports:
        if report.failed:
            return item.stash.get(evidence.HEADLINE, "no reason was given")
        if report.skipped and isinstance(report.longrepr, tuple):
            return str(report.longrepr[2]).removeprefix("Skipped: ")
    return ""


def _power_cycled(item: pytest.Item) -> bool:
    device = item.stash.get(DEVICE, None)
    if device is None or not _is_ours(item, device) or device.name in item.config.stash[Course.key].stuck:
        return False
    lifetime = item.config.stash[Lifetime.key]
    try:
        lifetime.revive()
        if lifetime.is_up:  # else all of its devices begin anew, with its machines
            device.power_cycle()
    except PowerError as error:
        item.stash.setdefault(evidence.NOTES, []).append(f"after a failure, its power could not be switched: {error}")
        return False
    except GAVE_UP:
        return False
    return True


def _is_ours(item: pytest.Item, device: LiveDevice) -> bool:
    """Whether its power may be switched: not if it is refused, or somebody else's now. What is gone may come back."""
    if safety.may(device.entry, Safety.REVERSIBLE, ()) is not None:
        return False
    return device.name in item.config.stash[Lifetime.key].admitted or not device.present()


def _set_aside(item: pytest.Item) -> None:
    """Leave nothing in the guest: a device that hangs holds up the enumeration of every other on its bus."""
    device = item.stash.get(DEVICE, None)
    if device is not None:
        with contextlib.suppress(*GAVE_UP):
            device.rig.release()
