"""One device of a rig that is up, and how to have it on either side."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hil.daemons import poll
from hil.errors import RigError
from hil.live.side import Side, probe
from hil.rig.matching import find
from hil.rig.model import DeviceEntry
from wslusb.usb.info import DeviceInfo

if TYPE_CHECKING:
    from hil.live.rig import LiveRig

__all__ = ["LIBUSB", "LiveDevice"]

LIBUSB = "libusb"
_DRIVER_SECONDS = 15.0


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

    @property
    def name(self) -> str:
        """As the rig file calls it."""
        return self.entry.name

    @property
    def is_virtual(self) -> bool:
        """Whether no kernel of the host has it: it is opened in process, and served by the same program."""
        return self._native_target != LIBUSB

    def info(self) -> DeviceInfo:
        """As the host has it now. DeviceAbsentError, AmbiguousDeviceError."""
        return find(self.entry, self.rig.infos())

    def present(self) -> bool:
        """Whether the host has a device that fits."""
        try:
            self.info()
        except RigError:
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
            raise RigError(f"{self.name}: the host's kernel did not configure {info.busid} again")
        return Side("native", host, LIBUSB, info.busid, daemons, tuple(nodes))

    def passthrough(self) -> Side:
        """The device in the guest, by way of wslusb."""
        daemons = self.rig.daemons
        daemons.ready()
        info = self.info()
        attached = self.attached()
        if attached is None:
            daemons.cli(daemons.host, "bind", info.busid)
            daemons.attach(info.busid)
            attached = self.attached()
        if attached is None:
            raise AssertionError(f"{self.name}: attached, and yet not in the guest")
        port, nodes = attached
        return Side("passthrough", daemons.guest, LIBUSB, self.rig.guest_busid(port), daemons, nodes)

    def attached(self) -> tuple[int, tuple[str, ...]] | None:
        """The guest's port and nodes, if it is attached."""
        busid = self.info().busid
        for each in self.rig.attached():
            if each["busid"] == busid:
                return each["port"], tuple(each["nodes"])
        return None

    def detach(self) -> None:
        """Take it out of the guest, if it is there."""
        if any(each["busid"] == self.info().busid for each in self.rig.attached()):
            self.rig.daemons.detach(self.info().busid)

    def power_cycle(self, seconds: float = 1.0) -> None:
        """Off, on, and wait until it is back. RigError if its power cannot be switched."""
        switch = self.rig.switch(self.name)
        if not switch.can_switch:
            raise RigError(f"{self.name}: its power cannot be switched", hint="see 'power' in docs/hil-rig.md")
        switch.off()
        try:
            self.wait(present=False)
            time.sleep(seconds)
        finally:
            switch.on()
        self.wait(present=True)
