"""A device that a person unplugs and plugs in again: guided mode as a power switch."""

from __future__ import annotations

from collections.abc import Callable

from hil.guided import Ask, Step, StepSkippedError
from hil.places.place import Place
from hil.places.watching import Watch, watching
from hil.rig.matching import find
from hil.rig.model import DeviceEntry
from wslusb.printable import printable
from wslusb.usb.info import DeviceInfo

from .switch import PowerError
from .verified import configured, elsewhere, said, seen

__all__ = ["SECONDS", "Manual"]

SECONDS = 120.0
"""How long a person gets."""

_Look = Callable[[Watch, DeviceInfo], Step]
_NOBODY = "nobody can be asked to unplug it"


class Manual:
    """Asks, watches the enumeration of ``place``, and says when it was another device or another port.

    Both verbs raise StepSkippedError where nobody is there or the person skips. A device that does not come back
    although somebody is there is a PowerError.
    """

    def __init__(self, entry: DeviceEntry, place: Place, ask: Ask | None, *, seconds: float = SECONDS) -> None:
        self._entry = entry
        self._place = place
        self._ask = ask
        self._seconds = seconds
        self._known: DeviceInfo | None = None
        self._ended = False
        self.offs = 0

    @property
    def reason(self) -> str:
        """Why it cannot be done now; "" if it can."""
        return f"{self._entry.name}: {_NOBODY}" if self._ask is None else self._ask.reason

    @property
    def can_switch(self) -> bool:
        """Whether somebody can be asked."""
        return not self.reason

    def describe(self) -> str:
        """See :class:`hil.power.switch.PowerSwitch`."""
        return "by hand"

    def off(self) -> None:
        """Have it unplugged."""
        ask = self._person()
        with watching(self._place) as watch:
            known = self._known
            if known is not None and seen(watch.now, known) is None:
                return
            known = self._known = find(self._entry, [each.info for each in watch.now])
            self.offs += 1
            self._do(ask, f"Unplug {self._name(known)} now.", watch, _unplugged)

    def on(self) -> None:
        """Have it plugged into the port where it was."""
        known = self._known
        if known is None:
            return
        ask = self._person()
        if self._ended:
            ask.say(f"Remember to plug in {self._name(known)} again.")
            return
        with watching(self._place) as watch:
            if configured(watch.now, known):
                return
            try:
                self._do(ask, f"Plug {self._entry.name} into port {known.busid} now.", watch, _plugged)
            except StepSkippedError as error:
                raise PowerError(
                    f"{self._entry.name} is not back: {error}", hint=f"plug it into {known.busid}"
                ) from error

    def _person(self) -> Ask:
        if self._ask is None or self.reason:
            raise StepSkippedError(self.reason)
        return self._ask

    def _do(self, ask: Ask, request: str, watch: Watch, step: _Look) -> None:
        known = self._known
        assert known is not None  # noqa: S101 - the callers have just seen it
        try:
            ask.until(request, lambda: step(watch, known), self._seconds)
        except KeyboardInterrupt:
            self._ended = True
            raise

    def _name(self, known: DeviceInfo) -> str:
        return f"{self._entry.name} (port {known.busid}, {printable(known.description)})"


def _unplugged(watch: Watch, known: DeviceInfo) -> Step:
    if seen(watch.now, known) is None:
        return Step(True, f"{known.busid} is gone")
    lost = [each.info for each in watch.history[0] if seen(watch.now, each.info) is None]
    if lost:
        return Step(False, f"That was {', '.join(map(said, lost))}: plug it in again, and unplug {known.busid}.")
    return Step(False)


def _plugged(watch: Watch, known: DeviceInfo) -> Step:
    if configured(watch.now, known):
        return Step(True, f"{known.busid} is back")
    if moved := elsewhere(watch.now, known, watch.history[0]):
        return Step(False, f"It is in port {moved.info.busid}: put it into {known.busid}.")
    return Step(False)
