"""``results.json``, schema 1: what was tested on which rig, how each test ended, and what it measured.

``seconds`` are durations. Times of day are ISO 8601 with an offset. Every text may hold what a device chose.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import functools
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, TypeAdapter, ValidationError, with_config

from emulator.files import contents
from hil.files import replace_text

from ..errors import RigError
from .figures import median

__all__ = [
    "SCHEMA", "Attempt", "Better", "CaseResult", "Comparison", "DeviceFacts", "Measurement", "Outcome", "Results",
    "ResultsError", "RigFacts",
]  # fmt: skip

SCHEMA: Final = 1
Scalar = int | float | str
_BYTE_LIMIT = 1 << 30
_FINITE: Any = with_config({"allow_inf_nan": False})


class ResultsError(RigError):
    """A file is not what the harness writes; the message says where in it."""


class Outcome(enum.StrEnum):
    """How a test ended.

    ``infrastructure``: the rig failed, so nothing was learnt of the device. ``flaky``: it failed, and passed after a
    power-cycle. ``quarantined``: its device kept failing before, so it was not run or does not count.
    """

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    INFRASTRUCTURE = "infrastructure"
    FLAKY = "flaky"
    QUARANTINED = "quarantined"


class Better(enum.StrEnum):
    """Which way a measured value improves."""

    LOWER = "lower"
    HIGHER = "higher"


@_FINITE
@dataclass(slots=True)
class Measurement:
    """One quantity on both sides. ``at`` is what it was measured at, as ``{"size": 65536}`` (bytes).

    ``ratio`` is passthrough to native, of medians; ``limit`` is what it may be at most (``better`` is lower) or at
    least. A side that could not be measured has no samples, and then there is no ratio.
    """

    name: str
    unit: str
    native: list[float] = field(default_factory=list)
    passthrough: list[float] = field(default_factory=list)
    ratio: float | None = None
    limit: float | None = None
    better: Better = Better.LOWER
    at: dict[str, Scalar] = field(default_factory=dict)

    @classmethod
    def of(
        cls, name: str, unit: str, native: Iterable[float], passthrough: Iterable[float], *,
        limit: float | None = None, better: Better = Better.LOWER, at: Mapping[str, Scalar] | None = None,
    ) -> Measurement:  # fmt: skip
        """With the ratio worked out."""
        ours, theirs = list(passthrough), list(native)
        base = median(theirs)
        ratio = median(ours) / base if ours and theirs and base else None
        return cls(name, unit, theirs, ours, ratio, limit, better, dict(at or {}))

    @property
    def within(self) -> bool | None:
        """Whether the ratio keeps its limit; None where one of the two is missing."""
        if self.ratio is None or self.limit is None:
            return None
        return self.ratio <= self.limit if self.better is Better.LOWER else self.ratio >= self.limit


@_FINITE
@dataclass(slots=True)
class Attempt:
    """One try of a test. ``artefacts``: the folder of its failure, seen from results.json."""

    outcome: Outcome
    message: str = ""
    seconds: float = 0.0
    artefacts: str | None = None


@dataclass(slots=True)
class Comparison:
    """What a failed test held against each other, as text."""

    what: str
    native: str
    passthrough: str


@_FINITE
@dataclass(slots=True)
class CaseResult:
    """One test on one device. ``artefacts``: the last failure's folder, seen from results.json. ``id``: pytest's node.

    ``where`` says in which part to look for what failed, ``before`` how the test ended in the run before. ``capture``:
    what it asked of its device, with ``--captures``, seen from results.json.
    """

    id: str
    outcome: Outcome
    title: str = ""
    device: str | None = None
    traits: list[str] = field(default_factory=list)
    seconds: float = 0.0
    message: str = ""
    details: str = ""
    artefacts: str | None = None
    attempts: list[Attempt] = field(default_factory=list)
    measurements: list[Measurement] = field(default_factory=list)
    comparison: Comparison | None = None
    where: str = ""
    before: Outcome | None = None
    capture: str | None = None

    @property
    def name(self) -> str:
        """The last part of the id."""
        return self.id.rpartition("::")[2]


@dataclass(slots=True)
class DeviceFacts:
    """A device of the rig file, as it was found. ``vid`` and ``pid`` are numbers; None for one that was absent.

    ``state``: present, absent, quarantined, or not used. ``notes``: what was learnt of it beside the tests' outcomes.
    """

    name: str
    vid: int | None = None
    pid: int | None = None
    serial: str | None = None
    traits: list[str] = field(default_factory=list)
    safety: str = "read-only"
    speed: str | None = None
    fingerprint: str | None = None
    power: str | None = None
    state: str = "present"
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class RigFacts:
    """Where it ran. ``host`` and ``guest`` are facts by name, for people."""

    name: str
    backend: str
    path: str | None = None
    host: dict[str, Any] = field(default_factory=dict)
    guest: dict[str, Any] = field(default_factory=dict)


def _moment(text: str) -> str:
    """A time of day; ValueError for another text."""
    dt.datetime.fromisoformat(text)
    return text


@_FINITE
@dataclass(slots=True)
class Results:
    """One run.

    ``before``: when the run began that it is held against. ``unfinished``: tests that it did not come to.
    ``interrupted``: it was ended before its end, or has not ended yet.
    """

    rig: RigFacts
    started: Annotated[str, AfterValidator(_moment)]
    seconds: float = 0.0
    versions: dict[str, str] = field(default_factory=dict)
    seed: int | None = None
    command: list[str] = field(default_factory=list)
    devices: list[DeviceFacts] = field(default_factory=list)
    tests: list[CaseResult] = field(default_factory=list)
    summary: dict[Outcome, int] = field(default_factory=dict)
    before: str | None = None
    unfinished: int = 0
    interrupted: bool = False
    schema: Literal[1] = SCHEMA

    def counted(self) -> dict[Outcome, int]:
        """How many tests ended in each way; all six are there."""
        count = Counter(test.outcome for test in self.tests)
        return {outcome: count[outcome] for outcome in Outcome}

    def as_json(self) -> dict[str, Any]:
        """What goes into the file; the summary is counted now."""
        body: dict[str, Any] = _storable(dataclasses.asdict(dataclasses.replace(self, summary=self.counted())))
        return {"schema": body.pop("schema"), **body}

    def write(self, path: Path) -> Path:
        """Write the file whole or not at all. OSError if that is not possible."""
        replace_text(path, json.dumps(self.as_json(), indent=1, allow_nan=False) + "\n")
        return path

    @classmethod
    def read(cls, path: Path) -> Results:
        """Read a file, checked. ResultsError for one that does not hold schema 1; OSError if there is none."""
        try:
            body = json.loads(contents(path, _BYTE_LIMIT))
        except (ValueError, RecursionError) as error:
            raise ResultsError(f"{path}: not JSON: {error}") from error
        schema = body.get("schema") if isinstance(body, dict) else None
        if schema != SCHEMA:
            raise ResultsError(f"{path}: schema {schema!r} is not {SCHEMA}: is this a results.json of this version?")
        try:
            return _adapter().validate_python(body)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"]))
            more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
            raise ResultsError(f"{path}: {place}: {first['msg']}{more}") from error


@functools.cache
def _adapter() -> TypeAdapter[Results]:
    return TypeAdapter(Results)


def _storable(value: Any) -> Any:
    """Texts as UTF-8 can hold them: half a surrogate pair may come from a device's string descriptor."""
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case Mapping():
            return {_storable(key): _storable(each) for key, each in value.items()}
        case list() | tuple():
            return [_storable(each) for each in value]
        case _:
            return value
