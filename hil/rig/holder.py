"""Who holds a lock, and whether that process is still there."""

from __future__ import annotations

import getpass
import os
import platform
import shlex
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

__all__ = ["Holder"]

_PROC = Path("/proc")
_STARTED = 19
"""Where field 22 of /proc/PID/stat (starttime, in ticks since boot) stands after the name in brackets: proc(5)."""


@dataclass(slots=True, frozen=True, kw_only=True)
class Holder:
    """A process. ``boot`` and ``started`` tell it from a later one that has its number; both are empty if unknown."""

    pid: int
    host: str
    user: str = ""
    boot: str = ""
    started: str = ""
    since: str = ""
    command: str = ""

    @classmethod
    def here(cls) -> Self:
        """This process, from now on."""
        return cls(
            pid=os.getpid(),
            host=platform.node(),
            user=_user(),
            boot=_boot(),
            started=_started(os.getpid()),
            since=datetime.now(UTC).isoformat(timespec="seconds"),
            command=shlex.join([Path(sys.argv[0] or "python").name, *sys.argv[1:]])[:200],
        )

    @classmethod
    def from_json(cls, entry: Any) -> Self:
        """What :meth:`as_json` gave. ValueError for anything else."""
        if not isinstance(entry, dict) or type(entry.get("pid")) is not int or not isinstance(entry.get("host"), str):
            raise ValueError("it names no process")
        texts = {name: value for name in cls.__slots__ if isinstance(value := entry.get(name), str)}
        return cls(pid=entry["pid"], **texts)

    def as_json(self) -> dict[str, Any]:
        """For a file."""
        return asdict(self)

    @property
    def dead(self) -> str:
        """Why this process is certainly no more; empty if it runs, or nobody can know from here."""
        if self.host != platform.node():
            return ""
        if self.boot and _boot() and self.boot != _boot():
            return f"{self.host} has been restarted since"
        if not _exists(self.pid):
            return "it has ended"
        now = _started(self.pid)
        return "another process has its number now" if self.started and now and now != self.started else ""

    def __str__(self) -> str:
        who = f" of {self.user}" if self.user else ""
        what = f" ({self.command})" if self.command else ""
        since = f", since {self.since}" if self.since else ""
        return f"process {self.pid}{who} on {self.host}{what}{since}"


def _exists(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # it is there, and somebody else's
    return True


def _boot() -> str:
    return _text(_PROC / "sys/kernel/random/boot_id").strip()


def _started(pid: int) -> str:
    fields = _text(_PROC / str(pid) / "stat").rpartition(")")[2].split()
    return fields[_STARTED] if len(fields) > _STARTED else ""


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
