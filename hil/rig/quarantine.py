"""Devices that keep failing are left out until a person has looked at them: ``python -m hil release NAME``."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from hil.errors import RigError
from wslusb.system import paths

from . import files

__all__ = ["LIMIT", "Quarantine", "Trouble"]

LIMIT = 3
"""So many runs in a row with a failure, and a device is in quarantine."""
SCHEMA = "hil.quarantine/1"
_WAIT_SECONDS = 10.0

_log = logging.getLogger(__name__)


@dataclass(slots=True, frozen=True, kw_only=True)
class Trouble:
    """A device that failed in its last runs: how many, when, and the last failure's message."""

    key: str
    name: str
    failing: int = 0
    since: str = ""
    last: str = ""
    reason: str = ""

    def __str__(self) -> str:
        why = f": {self.reason}" if self.reason else ""
        runs = f"1 run, at {self.last}"
        if self.failing > 1:
            runs = f"{self.failing} runs in a row, the first at {self.since}, the last at {self.last}"
        return f"{self.name} ({self.key}) failed in {runs}{why}"


class Quarantine:
    """The state file; several runs may use it at once. One that is damaged is put aside, and counts as empty.

    ``limit`` is how many failing runs in a row it takes.
    """

    def __init__(self, path: Path | None = None, limit: int = LIMIT) -> None:
        self.path = paths.state_dir() / "quarantine.json" if path is None else path
        self.limit = limit

    def trouble(self) -> dict[str, Trouble]:
        """What is known of devices that failed in their last run, by key."""
        try:
            document = files.load(self.path, SCHEMA)
            return {} if document is None else _troubles(document.get("devices"))
        except ValueError as error:
            _log.warning("%s is damaged (%s): it counts as empty", self.path, error)
            return {}
        except OSError as error:
            raise RigError(f"cannot read {self.path}: {error.strerror or error}") from error

    def held(self, key: str) -> Trouble | None:
        """Why a device is in quarantine; None if it is not."""
        found = self.trouble().get(key)
        return found if found is not None and found.failing >= self.limit else None

    def record(self, key: str, name: str, *, failed: bool, reason: str = "") -> Trouble | None:
        """Count a run of a device. What :meth:`held` says from now on.

        One good run makes the count start anew, but does not take a device out of quarantine.
        """
        with self._changing() as troubles:
            before = troubles.get(key, Trouble(key=key, name=name))
            if failed:
                now = datetime.now(UTC).isoformat(timespec="seconds")
                after = replace(before, name=name, failing=before.failing + 1, since=before.since or now, last=now,
                                reason=" ".join(reason.split())[:300])  # fmt: skip
                troubles[key] = after
            elif before.failing < self.limit:
                troubles.pop(key, None)
        return self.held(key)

    def release(self, name: str) -> list[Trouble]:
        """Forget the failures of what has this name or key; which those were. RigError if there is nothing."""
        with self._changing() as troubles:
            found = [each for each in troubles.values() if name in (each.name, each.key)]
            for each in found:
                del troubles[each.key]
            there = ", ".join(sorted(each.name for each in troubles.values()))
        if not found:
            hint = f"in trouble: {there}" if there else "no device failed in its last run"
            raise RigError(f"nothing is known of failures of {name!r}", hint=hint)
        return found

    @contextlib.contextmanager
    def _changing(self) -> Iterator[dict[str, Trouble]]:
        """What is in the file, written back at the end; nobody else changes it meanwhile."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self.path.with_name(f"{self.path.name}.lock"), timeout=_WAIT_SECONDS):
                self._put_damaged_aside()
                troubles = self.trouble()
                yield troubles
                files.save(self.path, SCHEMA, {"devices": {key: asdict(each) for key, each in troubles.items()}})
        except Timeout as error:
            raise RigError(f"{self.path} has been in use for {_WAIT_SECONDS:.0f} s") from error
        except OSError as error:
            hint = "set WSLUSB_STATE_DIR to a folder that you may write to"
            raise RigError(f"cannot write {self.path}: {error.strerror or error}", hint=hint) from error

    def _put_damaged_aside(self) -> None:
        try:
            files.load(self.path, SCHEMA)
        except ValueError:
            aside = self.path.with_name(f"{self.path.name}.damaged.{os.getpid()}")
            self.path.replace(aside)
            _log.warning("%s was damaged: it is %s now", self.path, aside.name)


def _troubles(entries: Any) -> dict[str, Trouble]:
    """The entries of a file; those that are none are left out."""
    found = {}
    for key, entry in entries.items() if isinstance(entries, dict) else ():
        if isinstance(entry, dict) and type(entry.get("failing")) is int and isinstance(entry.get("name"), str):
            texts = {name: str(entry.get(name, "")) for name in ("since", "last", "reason")}
            found[key] = Trouble(key=key, name=entry["name"], failing=entry["failing"], **texts)
    return found
