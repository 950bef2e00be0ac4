"""All of a rig that is up: machines, daemons, devices, power."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Sequence
from pathlib import Path

from hil import health
from hil.daemons import Daemons
from hil.errors import MachineDiedError, RigError
from hil.live.device import LiveDevice
from hil.live.side import probe
from hil.places.place import Place, PlaceProcess
from hil.power.switch import PowerSwitch
from hil.probes.devices import from_json
from hil.rig import matching, safety
from hil.rig.keys import VIRTUAL_HOSTS
from hil.rig.model import DeviceEntry, Rig
from hil.vm.machine import Machine
from wslusb.usb.info import DeviceInfo

__all__ = ["LiveRig"]

_NUMBERS = "grep -H . /sys/bus/usb/devices/*/devnum"
"""What changes when a device comes or goes: Linux numbers the devices of a bus one after the other."""
_WELL_SECONDS = 30.0
_CRASH = re.compile(r"Kernel panic - .*|\bOops: .*|\bBUG: .*")


class LiveRig:
    """What :func:`hil.live.opening.opened` yields.

    ``providers`` are where the host's service has its devices from, and ``ports`` the folder that switches the
    emulator's (:mod:`emulator.switches`). ``directory`` is on the machine of the suite and, for virtual machines, at
    the same path in them.
    """

    def __init__(
        self, rig: Rig, daemons: Daemons[Place, Place], directory: Path, *, backend: str,
        providers: Sequence[str] = ("libusb",), ports: Path | None = None,
    ) -> None:  # fmt: skip
        self.rig = rig
        self.backend = backend
        self.daemons = daemons
        self.directory = directory
        self.providers = list(providers)
        self.devices: dict[str, LiveDevice] = {}
        self._ports = ports
        self._switches: dict[str, PowerSwitch] = {}
        self._known: tuple[object, list[DeviceInfo]] | None = None

    def add(self, device: LiveDevice, switch: PowerSwitch) -> None:
        """One more device, and its power."""
        self.devices[device.name] = device
        self._switches[device.name] = switch

    @property
    def host(self) -> Place:
        """Where the devices are plugged in."""
        return self.daemons.host

    @property
    def guest(self) -> Place:
        """Whose kernel gets them."""
        return self.daemons.guest

    def processes(self) -> dict[str, tuple[Place, PlaceProcess]]:
        """Both daemons, by name, and the machine of each. AssertionError if one has not been started."""
        assert self.daemons.service is not None  # noqa: S101
        assert self.daemons.agent is not None  # noqa: S101
        return {"service": (self.host, self.daemons.service), "agent": (self.guest, self.daemons.agent)}

    def address(self) -> str:
        """Where the guest's agent finds the service."""
        return str(self.daemons.json(self.guest, "state")["agent"]["host"])

    def infos(self) -> list[DeviceInfo]:
        """What is plugged into the host now. It is asked for only if something has changed: asking takes a while."""
        switched = self.host.run(_NUMBERS if self.is_physical else f"ls {self._ports}", check=False).stdout
        signature = (switched, self.daemons.service)
        if self._known is None or self._known[0] != signature:
            there = self._ask()
            # The service sees a moment later than we that a port was switched: such an answer is asked for again.
            settled = self.is_physical or len(there) + len(switched.split()) == len(self._virtual)
            self._known = (signature if settled else None, there)
        # Where one kernel is host and guest, what is attached is there twice.
        attached = self.in_guest() if self.host is self.guest else ()
        return [info for info in self._known[1] if info.busid not in attached]

    @property
    def is_physical(self) -> bool:
        """Whether the host's kernel has the devices."""
        return self.providers == ["libusb"]

    def _ask(self) -> list[DeviceInfo]:
        if self.is_physical:
            return self._known_to("libusb")
        # Whether a virtual device is plugged in is known to the service alone.
        if not self.daemons.running:
            self.daemons.ready()
        there = {each["busid"] for each in self.daemons.json(self.host, "list")["devices"]}
        return [info for info in self._virtual if info.busid in there]

    @functools.cached_property
    def _virtual(self) -> list[DeviceInfo]:
        return [info for provider in self.providers for info in self._known_to(provider)]

    def _known_to(self, provider: str) -> list[DeviceInfo]:
        return [from_json(each) for each in probe(self.daemons, self.host, "devices", target=provider)]

    def in_guest(self) -> set[str]:
        """The guest's own names of all that is attached there."""
        return health.imported(self.guest)

    def refusal(self, entry: DeviceEntry, info: DeviceInfo) -> str | None:
        """Why no test may have this device, and what to do; None if it may. A virtual host lives on none of its own."""
        if other := matching.also(entry, self.rig.devices, self.infos()):
            return (
                f"{info.busid} is the device of {other}, too; give each entry a serial or a port that only its own has"
            )
        virtual = self.rig.host.kind in VIRTUAL_HOSTS
        facts = safety.Facts() if virtual else safety.Facts.from_json(probe(self.daemons, self.host, "in_use"))
        return safety.refusal(info, facts, entry.allow, virtual=virtual)

    def switch(self, name: str) -> PowerSwitch:
        """The power of a device."""
        if name not in self._switches:
            raise RigError(f"{name}: the rig file has no power for it", hint="see 'power' in docs/hil-rig.md")
        return self._switches[name]

    def troubles(self) -> list[str]:
        """What has befallen its machines: those that died, that hang, that do not reach each other.

        The plug of a virtual one that hangs is pulled: whoever asks it something has an answer at once.
        """
        return [f"{place.name} {said}" for place in self.daemons.places.values() if (said := _trouble(place))]

    def crashes(self) -> list[str]:
        """The virtual machines that died by their own kernel's word: that is what a guest fears of wslusb."""
        dead = [each for each in self.daemons.places.values() if isinstance(each, Machine) and not each.alive]
        found = [(each.name, _CRASH.search(each.dmesg())) for each in dead]
        return [f"the kernel of {name} has crashed: {said[0].strip()}" for name, said in found if said]

    def leave_alone(self, device: LiveDevice) -> None:
        """Take the other devices out of the guest: a test judges all of it, down to its free ports."""
        for other in self.devices.values():
            with contextlib.suppress(RigError):  # one that is gone from its host
                if other is not device:
                    other.detach()

    def release(self) -> None:
        """Take everything out of the guest."""
        if self.in_guest():
            self.daemons.detach()


def _trouble(place: Place) -> str:
    if isinstance(place, Machine) and not place.is_joined():
        return "has lost the way to the other machine"
    try:
        place.run(["true"], timeout=_WELL_SECONDS)
    except MachineDiedError:
        return "has died"
    except RigError:
        if isinstance(place, Machine):
            place.kill()
        return "does nothing that it is told any more"
    return ""
