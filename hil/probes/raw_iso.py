"""Isochronous URBs by usbfs, without libusb in between: what a kernel's driver would be told of each."""

from __future__ import annotations

from typing import Any

from hil.clients import usbfs
from wslusb.usb.ids import TransferType

__all__ = ["run"]


def run(
    busid: str, interface: int, alternate: int, endpoint: int, length: int, packets: int, count: int
) -> list[dict[str, Any]]:  # fmt: skip
    """Of each of ``count`` URBs, one at a time: ``status``, ``error_count``, and how many packets are ``bad``."""
    with usbfs.opened(busid, interface) as device:
        device.choose(interface, alternate)
        ended = [
            device.read(
                endpoint, TransferType.ISOCHRONOUS, length * packets, flags=usbfs.ISO_ASAP, packets=[length] * packets
            )
            for _ in range(count)
        ]
        device.choose(interface, 0)
    return [
        {
            "status": each.status, "error_count": each.error_count,
            "bad": sum(status != 0 for status, _ in each.packets),
        }
        for each in ended
    ]  # fmt: skip
