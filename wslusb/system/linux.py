"""Linux behind the OS seam: sysfs to look, netlink to wait, usbfs to give back. No udev is needed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from . import linux_giveback, linux_sysfs, linux_watch, paths
from .api import HostDevice, Watch

assert sys.platform == "linux"  # noqa: S101 - tells mypy that the rest is Linux' alone

__all__ = ["LinuxSystem"]


class LinuxSystem:
    """A :class:`wslusb.system.api.HostSystem`. ``sysfs`` and ``dev`` are where those are mounted."""

    def __init__(self, sysfs: Path = linux_sysfs.SYSFS, dev: Path = linux_giveback.DEV) -> None:
        self._sysfs, self._dev = sysfs, dev

    def devices(self) -> list[HostDevice]:
        """The devices that sysfs has, hubs left out, in order of bus and port."""
        return linux_sysfs.read_devices(self._sysfs)

    def device(self, busid: str) -> HostDevice | None:
        """One device, read now."""
        return linux_sysfs.read_device(self._sysfs, busid)

    def watch(self, changed: Callable[[], None]) -> Watch:
        """Call ``changed`` from a thread when devices come, go or are configured."""
        return linux_watch.LinuxWatch(changed, self._snapshot)

    def _snapshot(self) -> tuple[tuple[str, bytes, bytes], ...]:
        return linux_sysfs.glance(self._sysfs)

    def give_back(self, bus: int, address: int, *, reset: bool) -> bool:
        """Have the kernel bind its drivers to a device whose owner died. False if it is not there any more."""
        return linux_giveback.give_back(self._sysfs, self._dev, bus, address, reset=reset)

    def state_dir(self) -> Path:
        """Where bindings are kept."""
        return paths.state_dir()

    def runtime_dir(self) -> Path:
        """Where control sockets are."""
        return paths.runtime_dir()
