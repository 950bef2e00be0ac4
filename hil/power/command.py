"""Power that the owner's own commands switch: a relay, a PDU, a lab's controller, a port's ``disable`` file."""

from __future__ import annotations

from hil.places.place import Place

from .commands import last_line, run
from .switch import PowerError

__all__ = ["CommandPort"]


class CommandPort:
    """Two bash commands, run on the host; success is exit code 0."""

    leave_seconds = 10.0

    def __init__(self, place: Place, off: str, on: str) -> None:
        self._place = place
        self._commands = {False: off, True: on}

    def describe(self) -> str:
        """See :class:`hil.power.switch.PowerSwitch`."""
        return f"command {self._commands[False]!r}"

    def check(self) -> None:
        """Nothing: whether a command works is known when it has been run."""

    def set(self, *, on: bool) -> str:
        """Run one of them. PowerError unless it ends with 0."""
        command = self._commands[on]
        result = run(self._place, command, f"the command {command!r}", "give the whole path in the rig file")
        if result.returncode:
            said = last_line(result.stderr, result.stdout)
            hint = f"run it by hand on {self._place.name}; it said: {said}"
            raise PowerError(f"the command {command!r} ended with {result.returncode}", hint=hint)
        return ""
