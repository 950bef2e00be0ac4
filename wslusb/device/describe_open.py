"""Ways to ask a device: through any :class:`Device`, or beside the drivers that have it."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator

from ..errors import DeviceError, LocalError
from ..system.api import HostDevice
from ..system.linux_sysfs import hid_reports
from ..usb.setup import Setup
from ..usb.urb import Status
from . import sync
from .api import Device, DeviceProvider
from .describe import Ask, Description, describe
from .libusb_native import Native

__all__ = ["asking", "describe_beside_its_drivers", "describe_from"]

_SECONDS = 5.0


def asking(device: Device) -> Ask:
    """Ask through a device that is open."""

    def ask(setup: Setup) -> bytes:
        result = sync.control(device, setup, seconds=_SECONDS)
        if result.status not in (Status.OK, Status.SHORT):
            name = Status(result.status).name.lower() if result.status in set(Status) else f"{result.status:#x}"
            raise DeviceError(result.status, f"{device.info.description}: {name.replace('_', ' ')}")
        return result.data

    return ask


def describe_from(provider: DeviceProvider, busid: str) -> Description:
    """Open a device of a provider for as long as it takes. DeviceError if it cannot be had."""
    info = next((each for each in provider.devices() if each.busid == busid), None)
    if info is None:
        raise DeviceError(Status.GONE, f"{busid}: no device is plugged in there")
    device = provider.open(info)
    try:
        return describe(device.info, asking(device))
    finally:
        device.close()


def describe_beside_its_drivers(host: HostDevice) -> Description:
    """A device of this system, taken from nobody, and no setting changed.

    usbfs lets requests to the device through. Those to an interface it refuses where a driver has that, and else holds
    the interface until the device is closed (drivers/usb/core/devio.c, check_ctrlrecip). So HID report descriptors are
    the kernel's own copies in sysfs, or asked for where no driver has read them. Without the permission to open the
    device, what everybody may read is all.
    """
    reports = hid_reports(host.info.busid)
    with contextlib.ExitStack() as stack:
        try:
            ask = stack.enter_context(_native(host))
        except (DeviceError, LocalError) as error:
            found = describe(host.info, None, reports)
            found.unread.insert(0, f"it could not be opened: {error}")
            return found
        return describe(host.info, ask, reports)


@contextlib.contextmanager
def _native(host: HostDevice) -> Iterator[Ask]:
    native = Native(host.bus, host.address, host.info.busid)

    def ask(setup: Setup) -> bytes:
        buffer = (ctypes.c_ubyte * setup.length)()
        request = (setup.request_type, setup.request, setup.value, setup.index)
        return bytes(buffer[: native.control(*request, buffer, setup.length)])

    try:
        yield ask
    finally:
        native.close()
