"""What one try of a test leaves: it is forgotten before the next one, unless the try failed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import pytest

from hil.deaths import Death
from hil.report.results import Comparison, Measurement

__all__ = [
    "ARTEFACTS", "BEGAN", "CAPTURE", "COMPARISON", "DEATHS", "DEPARTURES", "EVIDENCE", "HEADLINE", "KEPT",
    "MEASUREMENTS", "NOTES", "WHERE", "Evidence", "begin", "keep",
]  # fmt: skip

COMPARISON = pytest.StashKey[Comparison]()
"""What a test's last probe of both sides said that was not the same."""
MEASUREMENTS = pytest.StashKey[list[Measurement]]()
NOTES = pytest.StashKey[list[str]]()
"""Facts of the device, for the report."""
ARTEFACTS = pytest.StashKey[str]()
"""The folder of a failure, seen from results.json."""
CAPTURE = pytest.StashKey[str]()
"""The capture of a test, seen from results.json."""
KEPT = pytest.StashKey[dict[str, bytes]]()
"""Files that a test wants in its folder if it fails, by name."""
HEADLINE = pytest.StashKey[str]()
"""What went wrong first, in a line."""
WHERE = pytest.StashKey[str]()
"""In which part to look."""
BEGAN = pytest.StashKey[float]()
"""When, in seconds since 1970 by this machine's clock: before its fixtures were set up."""
DEATHS = pytest.StashKey[list[Death]]()
"""The daemons that died while it ran."""

DEPARTURES = pytest.StashKey[int]()
"""How often the device had left its host before."""


@dataclass(slots=True)
class Evidence:
    """Of a try that failed."""

    message: str
    details: str = ""
    artefacts: str | None = None
    comparison: Comparison | None = None
    where: str = ""


EVIDENCE = pytest.StashKey[Evidence]()
"""Of the last try that failed."""


def begin(item: pytest.Item) -> None:
    """Forget what the try before has left."""
    keys: tuple[pytest.StashKey[Any], ...] = (
        COMPARISON,
        DEPARTURES,
        MEASUREMENTS,
        NOTES,
        ARTEFACTS,
        CAPTURE,
        KEPT,
        HEADLINE,
        WHERE,
    )
    for key in keys:
        if key in item.stash:
            del item.stash[key]
    item.stash[DEATHS] = []
    item.stash[BEGAN] = time.time()


def keep(item: pytest.Item, reports: list[pytest.TestReport], message: str) -> None:
    """Of a try that failed."""
    details = "\n".join(report.longreprtext for report in reports if report.failed)
    stash = item.stash
    stash[EVIDENCE] = Evidence(
        message, details, stash.get(ARTEFACTS, None), stash.get(COMPARISON, None), stash.get(WHERE, "")
    )
