"""Reads by usbfs, without libusb in between: what a kernel's driver would be told of each."""

from __future__ import annotations

import contextlib

from hil.clients import usbfs
from hil.clients.bulk_pipes import needed, source_sink
from wslusb.device.registry import load_provider
from wslusb.usb.ids import TransferType

from .opened import info_of

__all__ = ["run"]


def run(target: str, busid: str, count: int, length: int, *, short_not_ok: bool) -> list[tuple[int, int]]:
    """The negative errno and the bytes of each of ``count`` reads of a device that always has something to say."""
    with contextlib.closing(load_provider(target)) as provider:
        pipes = needed(source_sink(info_of(provider, busid)))
    flags = usbfs.SHORT_NOT_OK if short_not_ok else 0
    with usbfs.opened(busid, pipes.interface) as device:
        ended = [device.read(pipes.source.address, TransferType.BULK, length, flags=flags) for _ in range(count)]
    return [(each.status, len(each.data)) for each in ended]
