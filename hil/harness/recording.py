"""The results of a session, gathered where the session is led (workers of pytest-xdist send theirs), and written."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import wslusb
from hil.harness.evidence import CAPTURE, EVIDENCE, MEASUREMENTS, NOTES, Evidence
from hil.harness.folder import JUNIT, PAGE, PREVIOUS, RESULTS, clear
from hil.harness.lifetime import Lifetime
from hil.harness.running import ATTEMPTS, DEVICE, GAVE_UP, message_of
from hil.harness.selecting import wanted_traits
from hil.report import before, html, junit
from hil.report.results import (
    Attempt,
    Better,
    CaseResult,
    Comparison,
    DeviceFacts,
    Measurement,
    Outcome,
    Results,
    RigFacts,
)  # fmt: skip
from hil.rig import fingerprint
from hil.rig.model import DeviceEntry, Rig
from hil.rig.traits import ANY

__all__ = ["Recorder", "devices_of", "machines_of", "result_of"]

PROPERTY = "hil"
"""The property of a test's last report that holds its result."""


def result_of(item: pytest.Item, reports: list[pytest.TestReport], outcome: Outcome) -> CaseResult:
    """One test's result; of a test that failed in any of its tries, with what the last of those has left."""
    function = getattr(item, "function", None)
    attempts = item.stash.get(ATTEMPTS, [])
    device = getattr(item, "callspec", None) and item.callspec.params.get("dut")  # type: ignore[attr-defined]
    left = item.stash.get(EVIDENCE, None) or Evidence(message_of(item, reports))
    return CaseResult(
        id=item.nodeid, outcome=outcome, title=(getattr(function, "__doc__", None) or "").partition("\n")[0],
        device=device.name if device is not None else None, traits=wanted_traits(item),
        seconds=sum(attempt.seconds for attempt in attempts), message=left.message, details=left.details,
        artefacts=left.artefacts, attempts=attempts, measurements=item.stash.get(MEASUREMENTS, []),
        comparison=left.comparison, where=left.where, capture=item.stash.get(CAPTURE, None),
    )  # fmt: skip


def machines_of(item: pytest.Item) -> dict[str, Any]:
    """Host and guest, as they were when a test ended; nothing where the rig is not up."""
    lifetime = item.config.stash[Lifetime.key]
    if not lifetime.is_up:
        return {}
    return {
        "host": {"name": lifetime.live.host.name, "kernel": lifetime.live.host.release},
        "guest": {"name": lifetime.live.guest.name, "kernel": lifetime.live.guest.release},
    }


def devices_of(item: pytest.Item) -> list[DeviceFacts]:
    """The device of a test as it was found; none if the test did not come to it."""
    device = item.stash.get(DEVICE, None)
    if device is None:
        return []
    facts = _of_entry(device.entry, "present")
    facts.notes = item.stash.get(NOTES, [])
    try:
        info = device.info()
    except GAVE_UP:  # also a daemon that does not come back
        facts.state = "absent"
        return [facts]
    if trouble := item.config.stash[Lifetime.key].admitted.get(device.name):
        facts.state = "quarantined"
        facts.notes = [f"in quarantine: {trouble}"]
    facts.vid, facts.pid, facts.serial = info.vendor, info.product, info.serial
    facts.speed, facts.fingerprint = info.speed.name.lower(), fingerprint.of(info)
    return [facts]


def _of_entry(entry: DeviceEntry, state: str) -> DeviceFacts:
    """What the rig file says of a device."""
    traits = sorted(entry.traits - {ANY})
    return DeviceFacts(entry.name, traits=traits, safety=entry.safety.word, power=entry.power.kind, state=state)


class Recorder:
    """Collects results, and puts them into ``folder``. ``before``: the run that they are held against."""

    key = pytest.StashKey["Recorder"]()

    def __init__(self, rig: Rig | None, backend: str, folder: Path, before: Results | None = None) -> None:
        self._rig = rig
        self._backend = backend
        self._folder = folder
        self._before = before
        self._started = datetime.now(UTC)
        self._clock = time.monotonic()
        self.tests: list[CaseResult] = []
        self.devices: dict[str, DeviceFacts] = {}
        self.facts: dict[str, Any] = {}
        self.begun = False
        self.unfinished = 0
        """Tests that the session did not come to."""
        self.interrupted = True
        """Until the session has come to its end."""

    def take(self, report: pytest.TestReport) -> None:
        """Take the result that a report carries, if it is a test's last."""
        for name, value in report.user_properties:
            if name == PROPERTY:
                body = json.loads(str(value))
                self.tests.append(_case(body["test"]))
                self.facts.update(body["facts"])
                for each in body["devices"]:
                    self._meet(DeviceFacts(**each))

    def _meet(self, device: DeviceFacts) -> None:
        """As it was found last, with what each test has noted, once."""
        earlier = self.devices.get(device.name)
        device.notes = list(dict.fromkeys([*(earlier.notes if earlier else ()), *device.notes]))
        self.devices[device.name] = device

    @staticmethod
    def attach(
        report: pytest.TestReport, result: CaseResult, devices: Iterable[DeviceFacts], facts: dict[str, Any]
    ) -> None:
        """Have a report carry a result. As text: pytest-xdist sends plain types alone."""
        body = {
            "test": dataclasses.asdict(result), "devices": [dataclasses.asdict(each) for each in devices],
            "facts": facts,
        }  # fmt: skip
        report.user_properties.append((PROPERTY, json.dumps(body)))

    def results(self) -> Results:
        """All of it."""
        rig = self._rig
        return Results(
            rig=RigFacts(
                rig.name if rig else "none", self._backend, str(rig.path) if rig else None,
                self.facts.get("host", {}), self.facts.get("guest", {}),
            ),
            started=self._started.isoformat(timespec="seconds"), seconds=time.monotonic() - self._clock,
            versions={"wslusb": wslusb.__version__, "python": platform.python_version(), "pytest": pytest.__version__},
            command=_command(), devices=self._all_devices(), tests=self.tests, unfinished=self.unfinished,
            interrupted=self.interrupted,
        )  # fmt: skip

    def _all_devices(self) -> list[DeviceFacts]:
        """In the order of the rig file; also those that no test came to."""
        entries = self._rig.devices if self._rig is not None else ()
        return list(({entry.name: _of_entry(entry, "not used") for entry in entries} | self.devices).values())

    def begin(self) -> None:
        """Make room in the folder, and say there that a run has begun: all that one leaves which is killed.

        Without another one to be held against, it is the last run into this folder. OSError if that cannot be done.
        """
        clear(self._folder)
        results = self.results()
        self._before = self._before or before.earlier(self._folder / PREVIOUS / RESULTS, results.rig.name)
        results.write(self._folder / RESULTS)
        self.begun = True

    def write(self) -> Path:
        """Write results.json, junit.xml and report.html; where the last one is. OSError if that is not possible."""
        results = self.results()
        if self._before is not None:
            before.held_against(results, self._before)
        results.write(self._folder / RESULTS)
        junit.write(results, self._folder / JUNIT)
        return html.write(results, self._folder / PAGE)


def _command() -> list[str]:
    """What to type for the same again: nox has set up an environment that not everybody has."""
    if os.environ.get("NOX_CURRENT_SESSION") != "hil":
        return ["pytest", *sys.argv[1:]]
    return ["nox", "-s", "hil", "--", *(each for each in sys.argv[1:] if not each.startswith("--timeout="))]


def _case(body: dict[str, Any]) -> CaseResult:
    measurements = [Measurement(**{**each, "better": Better(each["better"])}) for each in body["measurements"]]
    attempts = [Attempt(**{**each, "outcome": Outcome(each["outcome"])}) for each in body["attempts"]]
    outcome = Outcome(body["outcome"])
    compared = Comparison(**body["comparison"]) if body["comparison"] else None
    return CaseResult(
        **{**body, "outcome": outcome, "measurements": measurements, "attempts": attempts, "comparison": compared}
    )
