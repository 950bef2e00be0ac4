"""Reads by usbfs, without libusb in between: what a kernel's driver would be told of each."""

from __future__ import annotations

import contextlib

from hil.clients import usbfs
from hil.clients.bulk_pipes import needed, source_sink
from wslusb.device.registry import load_provider
from wslusb.errors import DeviceError
from wslusb.usb.ids import TransferType
from wslusb.usb.urb import Status

__all__ = ["run"]


def run(target: str, busid: str, count: int, length: int, *, short_not_ok: bool) -> list[tuple[int, int]]:
    """The negative errno and the bytes of each of ``count`` reads of a device that always has something to say."""
    with contextlib.closing(load_provider(target)) as provider:
        info = next((each for each in provider.devices() if each.busid == busid), None)
    if info is None:
        raise DeviceError(Status.GONE, f"there is no device {busid}")
    pipes = needed(source_sink(info))
    flags = usbfs.SHORT_NOT_OK if short_not_ok else 0
    with usbfs.opened(busid, pipes.interface) as device:
        ended = [device.read(pipes.source.address, TransferType.BULK, length, flags=flags) for _ in range(count)]
    return [(each.status, len(each.data)) for each in ended]
