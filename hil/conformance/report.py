"""Results as a table for people and as JSON for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from wslusb.usb.info import DeviceInfo

from .case import Outcome, Result

__all__ = ["as_json", "as_table", "as_text", "failures", "summary"]

Suites = Mapping[str, Sequence[Result]]

_MARKS = {Outcome.PASSED: "ok", Outcome.FAILED: "FAILED", Outcome.NOT_APPLICABLE: "-"}


def as_table(results: Sequence[Result]) -> str:
    """One line a case: outcome, name, where the rule is, and what was seen."""
    wide = max((len(result.case.name) for result in results), default=0)
    source = max((len(result.case.source) for result in results), default=0)
    lines = [
        f"{_MARKS[r.outcome]:6}  {r.case.name:{wide}}  {r.case.source:{source}}  {r.seen}".rstrip() for r in results
    ]
    return "\n".join([*lines, summary(results)])


def summary(results: Sequence[Result]) -> str:
    """How many passed, failed, and did not apply."""
    count = Counter(result.outcome for result in results)
    return ", ".join(f"{count[outcome]} {outcome.value}" for outcome in Outcome)


def failures(results: Sequence[Result]) -> dict[str, str]:
    """What failed, and what was seen there."""
    return {result.case.name: result.seen for result in results if result.outcome is Outcome.FAILED}


def as_text(info: DeviceInfo, suites: Suites) -> str:
    """A device, and the table of each suite."""
    head = f"{info.busid} {info.hardware_id} {info.description}, {info.speed.name.lower()} speed"
    return "\n\n".join([head, *(f"{name}\n{as_table(results)}" for name, results in suites.items()), ""])


def as_json(devices: Sequence[tuple[DeviceInfo, Suites]]) -> str:
    """Devices, and the results of each suite."""
    return json.dumps([_device(info, suites) for info, suites in devices], indent=1)


def _device(info: DeviceInfo, suites: Suites) -> dict[str, Any]:
    return {
        "busid": info.busid, "id": info.hardware_id, "serial": info.serial, "speed": info.speed.name.lower(),
        "suites": {name: [_row(result) for result in results] for name, results in suites.items()},
    }  # fmt: skip


def _row(result: Result) -> dict[str, Any]:
    return {
        "case": result.case.name, "source": result.case.source, "outcome": result.outcome.value, "seen": result.seen,
        "seconds": round(result.seconds, 4),
    }  # fmt: skip
