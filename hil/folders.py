"""Names for the folders of a run, by which the next run knows what others have left that were killed.

``wslusb-WHAT.MACHINE-PID-STARTED.RANDOM``: MACHINE stands for this one since its boot, and for what it calls processes
(a container has numbers of its own): what others have made is nobody's business here.
"""

from __future__ import annotations

import contextlib
import hashlib
import platform
import re
from collections.abc import Iterable
from pathlib import Path

from hil.rig.holder import Holder

__all__ = ["abandoned", "pattern", "prefix"]

_NAME = re.compile(r"(?:.*/)?wslusb-\w+\.([0-9a-f]{8})-(\d+)-(\d*)\.\w+")


def prefix(what: str) -> str:
    """What a folder's name begins with; six or more random letters are to follow."""
    here = Holder.here()
    return f"wslusb-{what}.{_machine()}-{here.pid}-{here.started}."


def pattern() -> str:
    """Fits, in a shell, all folders of processes of this machine."""
    return f"wslusb-*.{_machine()}-*.*"


def abandoned(names: Iterable[str]) -> list[str]:
    """Those, or those paths, whose process is certainly no more."""
    return [name for name in names if (found := _NAME.fullmatch(name)) and _is_dead(*found.groups())]


def _is_dead(machine: str, pid: str, started: str) -> bool:
    return machine == _machine() and bool(Holder(pid=int(pid), host=platform.node(), started=started).dead)


def _machine() -> str:
    here, numbers = Holder.here(), ""
    with contextlib.suppress(OSError):
        numbers = str(Path("/proc/self/ns/pid").readlink())
    return hashlib.sha256(f"{here.host} {here.boot} {numbers}".encode()).hexdigest()[:8]
