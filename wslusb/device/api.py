"""The URB seam: what a device is to the rest of the house.

A libusb device, a virtual device, a device at the far end of a connection and a layer that wraps another device are all
Devices. ``tests/integration/device_contract.py`` is the contract as code; every implementation is run through it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, runtime_checkable

from ..usb.info import DeviceInfo
from ..usb.urb import Done, Urb

__all__ = ["Device", "DeviceProvider", "Watcher"]


@runtime_checkable
class Device(Protocol):
    """An open USB device.

    All methods may be called from any thread. ``submit`` and ``cancel`` never block on the device. The other four block
    until the device has answered and raise :class:`wslusb.errors.DeviceError`; they must not be called from ``done``.
    """

    @property
    def info(self) -> DeviceInfo:
        """Identity and descriptors, as they were when the device was opened."""

    def submit(self, urb: Urb, done: Done) -> None:
        """Queue a URB. ``done`` is called exactly once for it, from any thread, perhaps before this returns.

        Never raises for anything that the device or the URB did: that is what ``done`` is told. ``urb.data`` is
        not read after this has returned. Completions of one endpoint come in the order of submission.
        """

    def cancel(self, urb: Urb) -> None:
        """Ask for a URB to be given back. ``done`` says who won: ``Status.CANCELLED``, or what it completed with.

        Bytes that had been moved are in the completion either way. Nothing happens if the URB is unknown or done.
        """

    def select_configuration(self, value: int) -> None:
        """Make bConfigurationValue ``value`` the active configuration (0: none)."""

    def select_interface(self, interface: int, alternate: int) -> None:
        """Choose an alternate setting. URBs in flight on the interface's endpoints are given back first."""

    def clear_halt(self, endpoint: int) -> None:
        """Clear a halted endpoint and its data toggle."""

    def reset(self) -> None:
        """Reset the device's port. A ``Status.GONE`` DeviceError says that it came back as something else."""

    def close(self) -> None:
        """Give the device back to its system. All URBs are done when this returns; calling it twice is harmless."""


Watcher = Callable[[], None]
"""Called, from any thread, when a provider's list of devices may have changed."""


class DeviceProvider(Protocol):
    """A source of devices, found through the entry-point group ``wslusb.devices`` or given on the command line."""

    name: str

    def devices(self) -> Iterable[DeviceInfo]:
        """The devices that are there now, in a stable order, hubs left out."""

    def open(self, info: DeviceInfo) -> Device:
        """Take a device from its system. DeviceError if it is gone, busy or forbidden."""

    def watch(self, changed: Watcher) -> None:
        """Call ``changed`` from now on when devices come and go, until ``close``."""

    def close(self) -> None:
        """Stop watching and free what the provider holds. Open devices are closed by whoever opened them."""
