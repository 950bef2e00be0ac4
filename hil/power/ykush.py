"""YKUSH hubs, through Yepkit's ykushcmd (https://github.com/Yepkit/ykush).

Its exit code says little: switching on by serial number ends with 0 when there is no such board, and older versions
always end with 0; nor does "Unable to open device", which it says before it tries the board's older product id. So the
port is asked for its state afterwards. A board that is not there has a port 15 then, and that is on.
"""

from __future__ import annotations

import re

from hil.places.place import Place
from hil.vm.remote import Result

from .commands import first_line, run
from .switch import PowerError

__all__ = ["Ykush"]

_INSTALL = "build it there from https://github.com/Yepkit/ykush, and put it on root's PATH"
_STATE = re.compile(r"Downstream port (\d+) is (ON|OFF)")


class Ykush:
    """One port of one board; ``serial`` is that of the board, "" for the only one."""

    leave_seconds = 5.0

    def __init__(self, place: Place, port: int, serial: str = "") -> None:
        self._place = place
        self._port = port
        self._serial = serial

    def describe(self) -> str:
        """See :class:`hil.power.switch.PowerSwitch`."""
        return f"port {self._port} of YKUSH{f' {self._serial}' if self._serial else ''}"

    def check(self) -> None:
        """PowerError unless the board says what its port is."""
        self._state()

    def set(self, *, on: bool) -> str:
        """Switch the port. PowerError if the board cannot be reached, or says that it is as it was."""
        switched = self._run("-u" if on else "-d")
        if switched.returncode:
            raise self._unreachable(switched)
        if self._state() is not on:
            raise PowerError(f"{self.describe()} did not go {'on' if on else 'off'}", hint="unplug the board once")
        return ""

    def _state(self) -> bool:
        asked = self._run("-g")
        state = _STATE.search(asked.stdout)
        if state is None or int(state[1]) != self._port:
            raise self._unreachable(asked)
        return state[2] == "ON"

    def _unreachable(self, result: Result) -> PowerError:
        said = f"ykushcmd ended with {result.returncode} and said: {first_line(result.output)}"
        hint = f"run 'ykushcmd -l' on the host, as root: it lists the boards; {said}"
        return PowerError(f"{self.describe()} cannot be reached", hint=hint)

    def _run(self, verb: str) -> Result:
        board = ["-s", self._serial] if self._serial else []
        return run(self._place, ["ykushcmd", *board, verb, str(self._port)], "ykushcmd", _INSTALL)
