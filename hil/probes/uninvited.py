"""A guest that asks a host for a device by itself, without an agent that knows what it may ask for."""

from __future__ import annotations

import contextlib

from wslusb.errors import DeviceError
from wslusb.guest.client import HostClient
from wslusb.transport import address as addresses
from wslusb.usb.info import DeviceInfo
from wslusb.usb.urb import Status

__all__ = ["run"]


def run(address: str, busid: str, generation: int) -> str:
    """How the host answers, by the name of a status. What it gives is given back."""
    with contextlib.closing(HostClient(addresses.parse(address))) as client:
        try:
            client.open(DeviceInfo(busid=busid, vendor=0, product=0, generation=generation)).close()
        except DeviceError as error:
            return Status(error.status).name
    return Status.OK.name
