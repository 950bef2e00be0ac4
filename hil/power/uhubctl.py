"""Hubs that switch each port by themselves, through uhubctl (https://github.com/mvp/uhubctl).

Its answer has a block of port lines for the hub before, and one after the switching, and both again for the other half
of a USB 3 hub. Facts of versions 2.5 and 2.6 that matter here: it ends with 0 when the hub refused, when the hub has no
such port, and when the port is still on; it can tell the kernel of the switching only through sysfs (Linux 6.0, a hub
that is not a root hub, and the right to write the port's ``disable`` file).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from hil.places.place import Place
from hil.vm.remote import Result

from .commands import last_line, run
from .switch import PowerError

__all__ = ["Uhubctl", "states"]

_INSTALL = "install it there (Debian: apt install uhubctl)"
_HUB = re.compile(r"(Current|New) status for hub (\S+)")
_PORT = re.compile(r"\s+Port (\d+): [0-9a-f]+ ?([^\[]*)")
_REFUSALS = (
    ("permission problems", "the hub may not be opened",
     "run the suite as root on the host, or give the user the hub by a udev rule (uhubctl's README has it)"),
    ("No compatible", "there is no hub that can switch its ports at location {location}",
     "run 'uhubctl' on the host: it lists the hubs that can, and the location is what comes after 'hub'"),
    ("multiple hubs", "location {location} fits several hubs", "give the whole location, as 'uhubctl' prints it"),
)  # fmt: skip
_SYSFS = "Failed to set port status by writing"
_UNHEARD = "uhubctl may not write the port's 'disable' file, so the kernel was not told: run as root"


def states(text: str) -> Mapping[tuple[str, int], bool]:
    """Whether each port has power, by hub and port, as the last block of each hub says."""
    found: dict[tuple[str, int], bool] = {}
    hub = ""
    for line in text.splitlines():
        if head := _HUB.match(line):
            hub = head[2]
        elif (port := _PORT.match(line)) and hub:
            found[hub, int(port[1])] = "power" in port[2].split()
    return found


class Uhubctl:
    """One port of one hub. ``location`` is uhubctl's own name of the hub: ``1-1.4``."""

    leave_seconds = 5.0

    def __init__(self, place: Place, location: str, port: int) -> None:
        self._place = place
        self._location = location
        self._port = port

    def describe(self) -> str:
        """See :class:`hil.power.switch.PowerSwitch`."""
        return f"port {self._port} of hub {self._location} (uhubctl)"

    def check(self) -> None:
        """PowerError unless the hub has this port, and can switch it."""
        self._ask()

    def set(self, *, on: bool) -> str:
        """Switch the port. PowerError if uhubctl says that it did not."""
        word = "on" if on else "off"
        result, found = self._ask("-a", word)
        stubborn = [hub for hub, state in found.items() if state is not on]
        if stubborn:
            said = last_line(result.stderr) if result.stderr.strip() else "uhubctl gave no reason"
            hint = f"port {self._port} of hub {', '.join(stubborn)} does not switch: {said}"
            raise PowerError(f"{self.describe()} did not go {word}", hint=hint)
        return _UNHEARD if _SYSFS in result.stderr else ""

    def _ask(self, *action: str) -> tuple[Result, Mapping[str, bool]]:
        """What uhubctl said, and whether each half of the hub now has power at the port."""
        command = ["uhubctl", "-l", self._location, "-p", str(self._port), *action]
        result = run(self._place, command, "uhubctl", _INSTALL)
        for sign, what, hint in _REFUSALS:
            if sign in result.stderr:
                raise PowerError(f"uhubctl: {what.format(location=self._location)}", hint=hint)
        if result.returncode:
            said = last_line(result.stderr, result.stdout)
            raise PowerError(
                f"uhubctl ended with {result.returncode} and said: {said}", hint="run it by hand on the host"
            )
        found = {hub: state for (hub, port), state in states(result.stdout).items() if port == self._port}
        if not _HUB.search(result.stdout):
            hint = f"run 'uhubctl -l {self._location}' by hand on the host; versions 2.5 and 2.6 are known"
            raise PowerError(f"uhubctl says nothing of a hub; it said: {last_line(result.output)}", hint=hint)
        if not found:
            hint = f"run 'uhubctl -l {self._location}' on the host: it lists the ports"
            raise PowerError(f"hub {self._location} has no port {self._port}", hint=hint)
        return result, found
