"""The OS seam: what differs between operating systems, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ..usb.info import DeviceInfo

__all__ = ["HostDevice", "HostSystem", "Watch"]


@dataclass(slots=True, frozen=True, kw_only=True)
class HostDevice:
    """A device as its system shows it.

    ``bus`` and ``address`` are the numbers that libusb knows it by; a device that is plugged anew gets another address.
    ``drivers`` are the names of the drivers that are bound now, by interface number.
    """

    info: DeviceInfo
    bus: int
    address: int
    drivers: Mapping[int, str] = field(default_factory=dict)


class Watch(Protocol):
    """A watch that runs until it is closed."""

    def close(self) -> None:
        """End it. The callback is not called after this has returned (unless this is called from the callback)."""


class HostSystem(Protocol):
    """What a host service needs of its operating system."""

    def devices(self) -> list[HostDevice]:
        """The USB devices that are there now, hubs left out, in a stable order. Needs no permission."""

    def device(self, busid: str) -> HostDevice | None:
        """One of them, looked at now."""

    def watch(self, changed: Callable[[], None]) -> Watch:
        """Call ``changed``, from a thread, whenever :meth:`devices` may have another answer."""

    def give_back(self, bus: int, address: int, *, reset: bool) -> bool:
        """Let the system's drivers have a device whose owner died, after a port reset if so asked.

        False if the device is no longer there. The owner's own way is through the handle that it has open.
        """

    def state_dir(self) -> Path:
        """Where bindings and policies are kept from one start to the next. It may not exist yet."""

    def runtime_dir(self) -> Path:
        """Where control sockets are while a service runs. It may not exist yet."""
