"""Who has the interfaces of a device: taken from the kernel's drivers, and given back to them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

from ..errors import DeviceError, LocalError
from ..usb.descriptors import split
from ..usb.ids import DescriptorType
from .libusb_native import Native

__all__ = ["Claims", "endpoints_by_interface"]

_log = logging.getLogger(__name__)

_INTERFACE_SIZE, _ENDPOINT_SIZE = 9, 7
_NUMBER = 2  # bInterfaceNumber in an interface descriptor, bEndpointAddress in an endpoint descriptor


def endpoints_by_interface(configuration: bytes) -> dict[int, set[int]]:
    """The interface numbers of a configuration, each with its endpoint addresses in all alternate settings.

    A descriptor that is cut short ends the list, as in the kernel (drivers/usb/core/config.c): devices have such.
    """
    found: dict[int, set[int]] = {}
    endpoints: set[int] = set()
    try:
        for piece in split(configuration):
            if piece[1] == DescriptorType.INTERFACE and len(piece) >= _INTERFACE_SIZE:
                endpoints = found.setdefault(piece[_NUMBER], set())
            elif piece[1] == DescriptorType.ENDPOINT and len(piece) >= _ENDPOINT_SIZE:
                endpoints.add(piece[_NUMBER])
    except LocalError as error:
        _log.debug("configuration descriptor: %s", error)
    return found


class Claims:
    """The interfaces of ``native`` that this process has. ``drivers`` names those it takes them from, for messages."""

    def __init__(self, native: Native, drivers: Mapping[int, str]) -> None:
        self._native, self._drivers = native, drivers
        self.interfaces: list[int] = []

    def take(self, interfaces: Iterable[int]) -> None:
        """Take all of these or, with a DeviceError, none."""
        try:
            for number in interfaces:
                if self._native.detach_and_claim(number, busy=self._drivers.get(number, "")):
                    self.interfaces.append(number)
        except DeviceError:
            self.give_back()
            raise

    def release(self) -> None:
        """Give up the claims, and let nobody have them: the kernel binds no driver by itself to what usbfs had."""
        for number in self.interfaces:
            self._native.release(number)
        self.interfaces = []

    def give_back(self) -> None:
        """Let the kernel's drivers have the interfaces again.

        All are released before the first is attached: a driver of several interfaces (cdc_acm) wants them all free.
        """
        numbers = self.interfaces
        self.release()
        for number in numbers:
            self._native.attach(number)
