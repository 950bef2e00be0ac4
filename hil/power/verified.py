"""A switch that is not believed: the machine that the device is plugged into has to see it go, and come back."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Sequence

from hil.errors import RigError
from hil.places.place import Place
from hil.places.watching import Seen, Watch, watching
from hil.rig.matching import find, fits
from hil.rig.model import DeviceEntry
from wslusb.printable import printable
from wslusb.usb.info import DeviceInfo, Identity

from .switch import Port, PowerError

__all__ = ["BACK_SECONDS", "Verified", "configured", "elsewhere", "said", "seen"]

BACK_SECONDS = 30.0
"""How long a device may take from power to being configured: some boot a system first."""
STEADY_SECONDS = 0.5
"""How long it has to stay away: a hub that only resets its port, or cuts half of a USB 3 port, shows within that."""

_ASK_SECONDS = 30.0


class Verified:
    """A :class:`hil.power.switch.PowerSwitch`: ``port`` switches, the enumeration of ``place`` says whether it did."""

    can_switch = True

    def __init__(
        self, port: Port, entry: DeviceEntry, place: Place, *, back_seconds: float = BACK_SECONDS,
        steady_seconds: float = STEADY_SECONDS,
    ) -> None:  # fmt: skip
        self._port = port
        self._entry = entry
        self._place = place
        self._back_seconds = back_seconds
        self._steady_seconds = steady_seconds
        self._known: DeviceInfo | None = None
        self._dark = False
        self.offs = 0

    def describe(self) -> str:
        """See :class:`hil.power.switch.PowerSwitch`."""
        return self._port.describe()

    def check(self) -> None:
        """Look without switching: whether there is such a hub and port. PowerError."""
        self._port.check()

    def off(self) -> None:
        """Switch off, and wait until the device is gone for good. Else the port is switched on again: PowerError."""
        with watching(self._place) as watch:
            if self._dark and self._known is not None and seen(watch.now, self._known) is None:
                return
            self._known = find(self._entry, [each.info for each in watch.now])
            self._dark = True
            self.offs += 1
            note = self._port.set(on=False)
            if watch.wait(self._gone, self._port.leave_seconds):
                returned = watch.wait(self._returned, self._steady_seconds)
                if returned is None:
                    return
                problem = self._came_back(returned)
            else:
                problem = self._stayed(watch, note)
            with contextlib.suppress(RigError):
                self._port.set(on=True)
                self._dark = False
            raise problem

    def on(self) -> None:
        """Switch on, and wait until the device is there and configured. PowerError."""
        with watching(self._place) as watch:
            if not self._dark and self._present(watch):
                return
            note = self._port.set(on=True)
            self._dark = False
            if watch.wait(self._present, self._back_seconds) is None:
                raise self._absent(watch, note)

    def _gone(self, watch: Watch) -> bool | None:
        known = self._known
        return True if known is not None and seen(watch.now, known) is None else None

    def _returned(self, watch: Watch) -> Seen | None:
        """The device, back in its port or in one that was free."""
        known = self._known
        return None if known is None else seen(watch.now, known) or elsewhere(watch.now, known, watch.history[0])

    def _came_back(self, there: Seen) -> PowerError:
        """Why a device is there again though its power is off."""
        busid = self._known.busid if self._known is not None else ""
        what = f"{self._port.describe()} is off, and {self._entry.name} went, but came back by itself"
        if there.info.busid == busid:
            return PowerError(
                what, hint="this hub only resets its port: use another one, or power = { kind = 'manual' }"
            )
        hint = "the port's other half still has power: see that 'uhubctl' lists both halves of the hub, USB 2 and USB 3"
        return PowerError(f"{what} as {there.info.busid}", hint=hint)

    def _present(self, watch: Watch) -> Seen | None:
        if self._known is not None:
            return configured(watch.now, self._known)
        fitting = [each for each in watch.now if fits(self._entry.match, each.info)]
        return fitting[0] if fitting else None

    def _absent(self, watch: Watch, note: str) -> PowerError:
        """Why a device is not there though its power is said to be on."""
        known = self._known
        if known is not None and (there := seen(watch.now, known)):
            what = f"{self._entry.name} came back, but the host's kernel did not configure it"
            return PowerError(what, hint=f"see the host's kernel log for {there.info.busid}")
        if known is not None and (moved := elsewhere(watch.now, known, watch.history[0])):
            hint = f"put it into {known.busid}, or write the new port into the rig file"
            return PowerError(f"{self._entry.name} came back in port {moved.info.busid}, not {known.busid}", hint=hint)
        what = (
            f"{self._port.describe()} is on, but {self._entry.name} did not come back within {self._back_seconds:g} s"
        )
        return PowerError(what, hint=_first(note, "see the host's kernel log, and whether its supply is strong enough"))

    def _stayed(self, watch: Watch, note: str) -> PowerError:
        """Why a device is still there though its power is said to be off."""
        known = self._known or DeviceInfo(busid="", vendor=0, product=0)
        lost = [each.info for each in watch.history[0] if seen(watch.now, each.info) is None]
        what = f"{self._port.describe()} is off, but {self._entry.name} ({known.busid}) is still there"
        if lost:
            others = ", ".join(map(said, lost))
            return PowerError(f"{what}; {others} went instead", hint="correct the port in the rig file")
        if not self._answers(known):
            hint = note or "the host needs Linux 6.0 or newer, and uhubctl 2.5 or newer on a hub that is no root hub"
            return PowerError(f"{what}: it has no power, and the kernel was not told", hint=hint)
        hint = _first(note, "this hub only says that it switches: use another one, or power = { kind = 'manual' }")
        return PowerError(f"{what}, and answers", hint=hint)

    def _answers(self, known: DeviceInfo) -> bool:
        """Whether the device itself answers a GET_DESCRIPTOR, which the kernel does not keep."""
        request = json.dumps({"target": "libusb", "busid": known.busid})
        command = ["-m", "hil.probes", "descriptors", request]
        try:
            result = self._place.python(*command, check=False, timeout=_ASK_SECONDS)
        except RigError:
            return False
        return not result.returncode and '"result"' in result.stdout


def seen(devices: Iterable[Seen], known: DeviceInfo) -> Seen | None:
    """The device, where it was."""
    for each in devices:
        if each.info.busid == known.busid and _kind(each.info) == _kind(known):
            return each
    return None


def elsewhere(devices: Sequence[Seen], known: DeviceInfo, before: Sequence[Seen]) -> Seen | None:
    """A device of the same kind and serial in a port that had none of that kind ``before``."""
    same = [each for each in devices if _kind(each.info) == _kind(known)]
    return next((each for each in same if seen(before, each.info) is None), None)


def said(info: DeviceInfo) -> str:
    """A device for a person: ``1-2 (0951:1666 Kingston DataTraveler)``."""
    return f"{info.busid} ({info.hardware_id} {printable(info.description)})"


def configured(devices: Iterable[Seen], known: DeviceInfo) -> Seen | None:
    """The device where it was, as soon as its kernel has chosen a configuration."""
    there = seen(devices, known)
    return there if there is not None and there.info.active_configuration else None


def _kind(info: DeviceInfo) -> Identity:
    return Identity(info.vendor, info.product, info.serial, "")


def _first(*texts: str) -> str:
    return next(text for text in texts if text)
