"""The device that a probe is beside of, open."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from wslusb.device.api import Device
from wslusb.device.registry import load_provider
from wslusb.errors import DeviceError
from wslusb.usb.urb import Status

__all__ = ["opened"]

_BUSY_SECONDS = 5.0


@contextlib.contextmanager
def opened(target: str, busid: str) -> Iterator[Device]:
    """Open the device that provider ``target`` (``libusb``, ``emulator:…``) has at ``busid``.

    DeviceError: GONE if it is not there. One that is busy for a moment (its last user is just going) is tried again.
    """
    with contextlib.closing(load_provider(target)) as provider:
        info = next((each for each in provider.devices() if each.busid == busid), None)
        if info is None:
            raise DeviceError(Status.GONE, f"{target} has no device {busid}")
        deadline = time.monotonic() + _BUSY_SECONDS
        while True:
            try:
                device = provider.open(info)
                break
            except DeviceError as error:
                if error.status != Status.BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        with contextlib.closing(device):
            yield device
