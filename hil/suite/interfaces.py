"""The interfaces of a device by their class, out of its descriptors."""

from __future__ import annotations

from hil.live.device import LiveDevice
from wslusb.usb.descriptors import Configuration, Interface

__all__ = ["class_descriptors", "of_class"]

_IN_INTERFACE = 0x24


def of_class(device: LiveDevice, interface_class: int, subclass: int | None = None) -> list[Interface]:
    """Alternate settings of the first configuration, which is the one that Linux chooses of most devices."""
    found = Configuration.readable(device.info().configurations)[:1]
    return [
        each
        for configuration in found
        for each in configuration.interfaces
        if each.interface_class == interface_class and subclass in (None, each.subclass)
    ]


def class_descriptors(interface: Interface, subtype: int) -> list[bytes]:
    """Those of type CS_INTERFACE (0x24) and a subtype, of one alternate setting."""
    return [each for each in interface.extra if each[1] == _IN_INTERFACE and len(each) > 2 and each[2] == subtype]
