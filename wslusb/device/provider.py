"""The devices that are plugged into this machine, through the system's list and libusb."""

from __future__ import annotations

import dataclasses
import threading

from ..errors import DeviceError, LocalError, LocalReason
from ..system import current
from ..system.api import HostDevice, HostSystem, Watch
from ..system.guardian import Guardian
from ..usb.info import DeviceInfo, Identity
from ..usb.urb import Status
from .api import Watcher
from .libusb import LibusbDevice

__all__ = ["LibusbProvider"]


class LibusbProvider:
    """A :class:`wslusb.device.api.DeviceProvider`. It takes no argument; ``system`` is for tests."""

    name = "libusb"

    def __init__(self, argument: str = "", *, system: HostSystem | None = None) -> None:
        if argument:
            raise LocalError(LocalReason.BAD_ADDRESS, f"libusb takes no argument, got {argument!r}")
        self._system = current() if system is None else system
        self._guardian = Guardian()
        self._lock = threading.Lock()
        self._plugged: dict[str, tuple[tuple[int, int, Identity, bytes], int]] = {}
        """What was last seen at a busid, and its generation. Kept when it is unplugged: the next one counts on."""
        self._watches: list[Watch] = []

    def devices(self) -> list[DeviceInfo]:
        """What is plugged in now, hubs left out, in order of bus and port."""
        with self._lock:
            return [self._numbered(host).info for host in self._system.devices()]

    def open(self, info: DeviceInfo) -> LibusbDevice:
        """Take the device from its drivers. DeviceError(GONE) if it is not what is at that busid now."""
        host = self._find(info)
        self._guardian.claim(host.bus, host.address)
        try:
            return LibusbDevice.open(host, closed=lambda: self._guardian.release(host.bus, host.address))
        except BaseException:
            self._guardian.release(host.bus, host.address)
            raise

    def watch(self, changed: Watcher) -> None:
        """Call ``changed`` from a thread when devices come and go, until :meth:`close`."""
        self._watches.append(self._system.watch(changed))

    def close(self) -> None:
        """End the watches and the guardian."""
        while self._watches:
            self._watches.pop().close()
        self._guardian.close()

    def _find(self, info: DeviceInfo) -> HostDevice:
        with self._lock:
            seen = self._system.device(info.busid)
            host = None if seen is None else self._numbered(seen)
        if host is None:
            raise DeviceError(Status.GONE, f"{info.busid}: no device is plugged in there", hint="wslusb list")
        if not host.address:
            raise DeviceError(Status.BUSY, f"{info.busid}: its port is being reset", hint="try again")
        now = host.info
        same = now.identity.matches(info.identity) and now.device_descriptor == info.device_descriptor
        if now.generation != info.generation or not same:
            raise DeviceError(Status.GONE, f"{info.busid}: another device is plugged in there now", hint="wslusb list")
        return host

    def _numbered(self, host: HostDevice) -> HostDevice:
        """Count a generation where the kernel has given the port's device another address, or it is another device."""
        info = host.info
        key = (host.bus, host.address, info.identity, info.device_descriptor)
        last, generation = self._plugged.get(info.busid, (key, 1))
        # While its port is being reset a device has none (drivers/usb/core/hub.c, hub_port_reset), then its own again.
        if not host.address:
            host = dataclasses.replace(host, address=last[1])
            key = (host.bus, host.address, info.identity, info.device_descriptor)
        elif not last[1]:
            last = (last[0], host.address, *last[2:])
        if last != key:
            generation += 1
        self._plugged[info.busid] = key, generation
        return dataclasses.replace(host, info=dataclasses.replace(info, generation=generation))
