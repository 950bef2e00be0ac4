"""Daemons that end though nobody has asked them to: by themselves, or by somebody's hand."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Death", "as_asked", "killer"]

_ASKED = (0, -signal.SIGTERM, 128 + signal.SIGTERM)
_ENDED_BY = re.compile(r"ending, by (SIG[A-Z]+)$", re.MULTILINE)
"""What a daemon says when a signal asks it to end (wslusb/cli/daemon.py)."""
_FATAL = {
    sign * number.value + base: number.name
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    for sign, base in ((-1, 0), (1, 128))
}
"""The statuses of what was ended by a signal that no program gets by a mistake of its own."""
_NO_MEMORY = "Killed process "
"""The kernel does that to the largest process when memory is short (mm/oom_kill.c)."""


@dataclass(slots=True, frozen=True)
class Death:
    """The end of a daemon that nobody of this session has asked to end.

    ``signal``: somebody else has killed it by this one, so that its end says nothing of wslusb; "" if it ended by
    itself.
    """

    name: str
    status: int
    signal: str = ""

    def __str__(self) -> str:
        how = (
            f"was killed from outside, by {self.signal}"
            if self.signal
            else f"ended by itself, with status {self.status}"
        )
        return f"the {self.name} of wslusb {how}"


def as_asked(status: int) -> bool:
    """Whether a daemon that was sent SIGTERM may end with this status."""
    return status in _ASKED


def killer(status: int, said: str, kernel_said: Callable[[], str]) -> str:
    """The signal of somebody else that has ended a daemon; "" if none has: for want of memory, the kernel does it.

    ``said`` is the daemon's output, and ``kernel_said`` asks for what the kernel of its machine has said meanwhile.
    """
    if asked := _ENDED_BY.search(said):
        return asked[1] if not status else ""
    name = _FATAL.get(status, "")
    return "" if name == "SIGKILL" and _NO_MEMORY in kernel_said() else name
