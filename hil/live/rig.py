"""All of a rig that is up: machines, daemons, devices, power."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hil.daemons import Daemons
from hil.errors import CommandFailedError, RigError
from hil.live.device import LiveDevice
from hil.live.side import probe
from hil.places.place import Place
from hil.power.switch import PowerSwitch
from hil.probes.devices import from_json
from hil.rig.model import Rig
from wslusb.usb.info import DeviceInfo

__all__ = ["LiveRig"]

_STATUS = "cat /sys/devices/platform/vhci_hcd.*/status* 2>/dev/null"


class LiveRig:
    """What :func:`hil.live.opening.opened` yields.

    ``providers`` are where the host's service has its devices from. ``directory`` is on the machine of the suite and,
    for virtual machines, at the same path in them. ``switches`` are the power of devices, by name.
    """

    def __init__(
        self, rig: Rig, daemons: Daemons[Place, Place], directory: Path, *, backend: str,
        providers: Sequence[str] = ("libusb",), switches: Mapping[str, PowerSwitch] | None = None,
    ) -> None:  # fmt: skip
        self.rig = rig
        self.backend = backend
        self.daemons = daemons
        self.directory = directory
        self.providers = list(providers)
        self.devices: dict[str, LiveDevice] = {}
        self._switches = dict(switches or {})

    @property
    def host(self) -> Place:
        """Where the devices are plugged in."""
        return self.daemons.host

    @property
    def guest(self) -> Place:
        """Whose kernel gets them."""
        return self.daemons.guest

    def infos(self) -> list[DeviceInfo]:
        """What is plugged into the host now."""
        if self.providers == ["libusb"]:
            return self._known_to("libusb")
        # Whether a virtual device is plugged in is known to the service alone.
        self.daemons.ready()
        there = {each["busid"] for each in self.daemons.json(self.host, "list")["devices"]}
        return [info for info in self._virtual if info.busid in there]

    @functools.cached_property
    def _virtual(self) -> list[DeviceInfo]:
        return [info for provider in self.providers for info in self._known_to(provider)]

    def _known_to(self, provider: str) -> list[DeviceInfo]:
        return [from_json(each) for each in probe(self.daemons, self.host, "devices", target=provider)]

    def attached(self) -> list[dict[str, Any]]:
        """What the agent has in its kernel, as ``wslusb state`` shows it; nothing if no agent runs."""
        agent = self.daemons.agent
        if agent is None or not agent.running:
            return []
        state = self.daemons.json(self.guest, "state")["agent"]
        return list(state["attached"]) if state else []

    def guest_busid(self, port: int) -> str:
        """The guest's own name of what is in a port of vhci_hcd (its status file, last column)."""
        for line in self.guest.run(_STATUS).stdout.splitlines():
            words = line.split()
            if words[:1] in (["hs"], ["ss"]) and int(words[1]) == port:
                return words[-1]
        raise CommandFailedError(self.guest.name, f"vhci_hcd has no port {port}")

    def switch(self, name: str) -> PowerSwitch:
        """The power of a device."""
        if name not in self._switches:
            raise RigError(f"{name}: the rig file has no power for it", hint="see 'power' in docs/hil-rig.md")
        return self._switches[name]

    def release(self) -> None:
        """Take everything out of the guest."""
        if self.attached():
            self.daemons.detach()
