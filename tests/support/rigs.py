"""Devices as a rig's host lists them."""

from __future__ import annotations

from wslusb.usb.descriptors import Configuration, Interface
from wslusb.usb.info import DeviceInfo


def info(*classes: tuple[int, int, int], vendor: int = 1, product: int = 2) -> DeviceInfo:
    """A device that has an interface of each class, subclass and protocol."""
    interfaces = [Interface(number, 0, *each) for number, each in enumerate(classes)]
    return DeviceInfo(
        busid="1-1", vendor=vendor, product=product, configurations=(Configuration(1, interfaces).pack(),)
    )
