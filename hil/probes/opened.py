"""The device that a probe is beside of, open."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from wslusb.device.api import Device, DeviceProvider
from wslusb.device.registry import load_provider
from wslusb.errors import DeviceError
from wslusb.usb.info import DeviceInfo
from wslusb.usb.urb import Status

__all__ = ["info_of", "open_of", "opened"]

_BUSY_SECONDS = 5.0


@contextlib.contextmanager
def opened(target: str, busid: str) -> Iterator[Device]:
    """The device that provider ``target`` (``libusb``, ``emulator:…``) has at ``busid``; see :func:`open_of`."""
    with contextlib.closing(load_provider(target)) as provider, contextlib.closing(open_of(provider, busid)) as device:
        yield device


def info_of(provider: DeviceProvider, busid: str) -> DeviceInfo:
    """What the provider says of the device at ``busid``. DeviceError: GONE if it is not there."""
    info = next((each for each in provider.devices() if each.busid == busid), None)
    if info is None:
        raise DeviceError(Status.GONE, f"{provider.name} has no device {busid}")
    return info


def open_of(provider: DeviceProvider, busid: str) -> Device:
    """Open the device at ``busid``. DeviceError: GONE if it is not there.

    One that is busy for a moment (its last user is just going) is tried again.
    """
    info = info_of(provider, busid)
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            return provider.open(info)
        except DeviceError as error:
            if error.status != Status.BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
