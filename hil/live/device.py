"""One device of a rig that is up, and how to have it on either side."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hil.errors import DeviceAbsentError, RigError
from hil.live.side import Side, probe
from hil.places.place import PlaceProcess
from hil.power.switch import kept_on
from hil.rig.matching import find
from hil.rig.model import DeviceEntry
from hil.waiting import poll
from wslusb.usb.info import DeviceInfo

if TYPE_CHECKING:
    from hil.live.rig import LiveRig

__all__ = ["LIBUSB", "LiveDevice"]

LIBUSB = "libusb"
_DRIVER_SECONDS = 15.0
_LEFT = r"device {} \(\S+\) has left$"
"""What the service says of a device that it has no more (wslusb/host/service.py)."""
_MOMENT_SECONDS = 2.0


@dataclass(slots=True, frozen=True)
class _Attached:
    """Where a device is in the guest, and by whom it was put there."""

    agent: PlaceProcess | None
    info: DeviceInfo
    busid: str
    nodes: tuple[str, ...]


class LiveDevice:
    """A device by its entry in the rig file.

    ``native_target`` is what a probe on the host opens: ``libusb``, or the virtual device by itself, which then is at
    ``native_busid`` whatever its port in the service is.
    """

    def __init__(self, rig: LiveRig, entry: DeviceEntry, native_target: str, native_busid: str = "") -> None:
        self.rig = rig
        self.entry = entry
        self._native_target = native_target
        self._native_busid = native_busid
        self._place: _Attached | None = None
        self._bound: tuple[object, str] | None = None
        self._busid = ""

    @property
    def name(self) -> str:
        """As the rig file calls it."""
        return self.entry.name

    @property
    def is_virtual(self) -> bool:
        """Whether no kernel of the host has it: it is opened in process, and served by the same program."""
        return self._native_target != LIBUSB

    def has(self, trait: str) -> bool:
        """Whether its entry says that it has this one of :data:`hil.rig.traits.TRAITS`."""
        return trait in self.entry.traits

    def info(self) -> DeviceInfo:
        """As the host has it now. DeviceAbsentError, AmbiguousDeviceError."""
        info = find(self.entry, self.rig.infos())
        self._busid = info.busid
        return info

    def present(self) -> bool:
        """Whether the host has a device that fits."""
        try:
            self.info()
        except RigError:
            return False
        return True

    def has_left(self) -> bool:
        """Whether the host has lost it, and not for a moment only. False where nobody can tell."""
        if not self.rig.daemons.running:  # and is to be looked at before it is started again
            return False
        try:
            poll(self._is_there, _MOMENT_SECONDS, f"{self.name} is there")
        except AssertionError:
            return True
        except RigError:
            return False
        return False

    def departures(self) -> int:
        """How often the service has seen it leave its host by itself, not for want of power.

        Of interest is by how much that grows; a service that is started anew counts from the beginning.
        """
        service = self.rig.daemons.service
        if service is None or self.has("dfu"):  # which leaves to come back as its loader
            return 0
        lines = re.findall(_LEFT.format(re.escape(self._busid)), service.output, re.MULTILINE)
        return len(lines) - self.rig.switch(self.name).offs

    def _is_there(self) -> bool:
        try:
            self.info()
        except DeviceAbsentError:
            return False
        return True

    def wait(self, *, present: bool, seconds: float = 30.0) -> float:
        """Wait until the host has it, or has it not; how long that took in seconds. AssertionError."""
        return poll(lambda: self.present() is present, seconds, f"{self.name} is {'back' if present else 'gone'}")

    def native(self) -> Side:
        """The device on its host, with the host's own drivers. It is taken out of the guest."""
        info = self.info()
        self.detach()
        host, daemons = self.rig.daemons.host, self.rig.daemons
        if self.is_virtual:
            return Side("native", host, self._native_target, self._native_busid, daemons)
        nodes = probe(daemons, host, "nodes", busid=info.busid, seconds=_DRIVER_SECONDS * 2)
        if nodes is None:
            raise AssertionError(f"{self.name}: the host's kernel did not configure {info.busid} again")
        return Side("native", host, LIBUSB, info.busid, daemons, tuple(nodes))

    def passthrough(self) -> Side:
        """The device in the guest, by way of wslusb."""
        daemons = self.rig.daemons
        if not daemons.running:
            daemons.ready()
        info = self.info()
        if not self.is_attached():
            before = self.rig.in_guest()
            if (key := (daemons.service, info.busid)) != self._bound:
                daemons.cli(daemons.host, "bind", info.busid)
                self._bound = key
            nodes = daemons.attach(info.busid)
            new = self.rig.in_guest() - before
            if len(new) != 1:
                raise AssertionError(f"{self.name}: attached, and {len(new)} devices are new in the guest")
            self._place = _Attached(daemons.agent, info, new.pop(), tuple(nodes))
        assert self._place is not None  # noqa: S101
        return Side("passthrough", daemons.guest, LIBUSB, self._place.busid, daemons, self._place.nodes)

    def is_attached(self) -> bool:
        """Whether it is where it was put in the guest: same agent, same plug, still in a port."""
        where = self._place
        return (
            where is not None
            and where.agent is self.rig.daemons.agent
            and where.agent is not None
            and where.agent.running
            and where.info == self.info()
            and where.busid in self.rig.in_guest()
        )

    def detach(self) -> None:
        """Take it out of the guest, if it is there."""
        if self.is_attached():
            self.rig.daemons.detach(self.info().busid)
        self._place = None

    def unshare(self) -> None:
        """Take it out of the guest, and have the host share it no more: until the next :meth:`passthrough`."""
        self.detach()
        daemons = self.rig.daemons
        daemons.cli(daemons.host, "unbind", self.info().busid)
        self._bound = None

    def power_cycle(self, seconds: float = 1.0) -> None:
        """Off, on, and wait until it is back. RigError if its power cannot be switched."""
        switch = self.rig.switch(self.name)
        if not switch.can_switch:
            raise RigError(f"{self.name}: its power cannot be switched", hint="see 'power' in docs/hil-rig.md")
        with kept_on(switch):
            switch.off()
            self.wait(present=False)
            time.sleep(seconds)
        self.wait(present=True)
