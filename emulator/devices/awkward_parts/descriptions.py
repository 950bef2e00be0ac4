"""Descriptions that are wrong: each function takes a sound gadget and breaks one thing of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from wslusb.usb.descriptors import Configuration, Endpoint, Interface
from wslusb.usb.ids import TransferType

from ...gadget import Gadget

__all__ = [
    "Change", "device", "duplicate_endpoint", "extra_endpoint", "interval_zero", "sound", "store_promised",
    "total_length",
]  # fmt: skip

Change = Callable[[Gadget], Gadget]


def sound(gadget: Gadget) -> Gadget:
    """As it is."""
    return gadget


def device(**fields: Any) -> Change:
    """Other values in the device descriptor."""
    return lambda gadget: _broken(gadget, device=dataclasses.replace(gadget.device, **fields))


def store_promised(gadget: Gadget) -> Gadget:
    """BcdUSB 2.01, by which there is a binary object store; there is none."""
    return device(bcd_usb=0x0201)(gadget)


def total_length(difference: int) -> Change:
    """A wTotalLength that is wrong by so many bytes."""

    def change(gadget: Gadget) -> Gadget:
        configuration = gadget.configurations[0]
        return _configured(gadget, total_length=len(configuration.pack()) + difference)

    return change


def extra_endpoint(gadget: Gadget) -> Gadget:
    """One endpoint descriptor more than bNumEndpoints counts."""
    more = Endpoint(0x83, TransferType.INTERRUPT, 8, 7)
    return _hid(gadget, lambda hid: _with(hid, [*hid.endpoints, more], count=len(hid.endpoints)))


def duplicate_endpoint(gadget: Gadget) -> Gadget:
    """The same endpoint twice."""
    return _hid(gadget, lambda hid: _with(hid, [*hid.endpoints, *hid.endpoints], count=2 * len(hid.endpoints)))


def interval_zero(gadget: Gadget) -> Gadget:
    """An interrupt endpoint with bInterval 0."""
    return _hid(gadget, lambda hid: _with(hid, [dataclasses.replace(each, interval=0) for each in hid.endpoints], 1))


def _with(interface: Interface, endpoints: list[Endpoint], count: int) -> Interface:
    return dataclasses.replace(interface, endpoints=endpoints, endpoint_count=count)


def _hid(gadget: Gadget, change: Callable[[Interface], Interface]) -> Gadget:
    hid, *others = gadget.configurations[0].interfaces
    return _configured(gadget, interfaces=[change(hid), *others])


def _configured(gadget: Gadget, **fields: Any) -> Gadget:
    configuration: Configuration = dataclasses.replace(gadget.configurations[0], **fields)
    return _broken(gadget, configurations=(configuration,))


def _broken(gadget: Gadget, **fields: Any) -> Gadget:
    return dataclasses.replace(gadget, checked=False, **fields)
