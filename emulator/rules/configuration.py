"""Rules of a configuration, and of each alternate setting in it."""

from __future__ import annotations

import dataclasses
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslusb.usb.descriptors import Configuration, Interface
from wslusb.usb.ids import Speed

from .endpoint import EndpointAt
from .rule import Rule

if TYPE_CHECKING:
    from ..gadget import Gadget

__all__ = ["CONFIGURATION_RULES", "SETTING_RULES", "ConfigurationAt", "SettingAt"]


@dataclass(slots=True, frozen=True)
class ConfigurationAt:
    """A configuration in its place."""

    gadget: Gadget
    configuration: Configuration

    @property
    def numbers(self) -> list[int]:
        """The interface numbers, each once, in the order in which they come."""
        return list(dict.fromkeys(each.number for each in self.configuration.interfaces))


@dataclass(slots=True, frozen=True)
class SettingAt:
    """An alternate setting in its place."""

    gadget: Gadget
    interface: Interface


def _contiguous(at: ConfigurationAt) -> str | None:
    expected = list(range(len(at.numbers)))
    return None if sorted(at.numbers) == expected else f"are {sorted(at.numbers)}; they count from 0"


def _alternates(at: ConfigurationAt) -> str | None:
    for number in at.numbers:
        settings = [each.alternate for each in at.configuration.interfaces if each.number == number]
        if sorted(settings) != list(range(len(settings))):
            return f"of interface {number} are {settings}; they count from 0, each once"
    return None


def _shared(at: ConfigurationAt) -> str | None:
    owners: dict[int, int] = {}
    for interface in at.configuration.interfaces:
        for endpoint in interface.endpoints:
            owner = owners.setdefault(endpoint.address, interface.number)
            if owner != interface.number:
                return f"{endpoint.address:#04x} is of interface {owner} and of interface {interface.number}"
    return None


def _associated(at: ConfigurationAt) -> str | None:
    for interface in at.configuration.interfaces:
        it = interface.association
        if it and (it.first != interface.number or it.first + it.count > len(at.numbers) or not it.count):
            return f"counts {it.count} interfaces from {it.first}, and stands before interface {interface.number}"
    return None


def _power(at: ConfigurationAt) -> str | None:
    unit, most = (8, 900) if at.gadget.speed >= Speed.SUPER else (2, 500)
    drawn = at.configuration.max_power * unit
    return None if drawn <= most else f"is {at.configuration.max_power}, {drawn} mA; a port gives {most} mA"


def _total(at: ConfigurationAt) -> str | None:
    said = at.configuration.total_length
    try:
        size = len(dataclasses.replace(at.configuration, total_length=0).pack())
    except struct.error as error:
        return f"cannot be told, for a field does not fit into its bytes: {error}"
    if size > 0xFFFF:
        return f"cannot say {size} bytes"
    return None if said in (None, size) else f"is {said}; the configuration has {size} bytes"


def _configuration_strings(at: ConfigurationAt) -> str | None:
    used = [("iConfiguration", at.configuration.string)]
    for each in at.configuration.interfaces:
        used.append((f"iInterface of {each.number}", each.string))
        if each.association:
            used.append((f"iFunction before {each.number}", each.association.string))
    most = len(at.gadget.strings)
    bad = [f"{name} {index}" for name, index in used if index > most]
    return f"{', '.join(bad)}, and there are {most} strings" if bad else None


CONFIGURATION_RULES: tuple[Rule[ConfigurationAt], ...] = (
    Rule("bConfigurationValue", "USB 2.0, 9.4.7", lambda at: (
        None if 0 < at.configuration.value < 256 else f"is {at.configuration.value}; 0 means not configured")),
    Rule("bmAttributes", "USB 2.0, 9.6.3", lambda at: (
        None if at.configuration.attributes & 0x9F == 0x80
        else f"is {at.configuration.attributes:#04x}; bit 7 is 1 and bits 4 to 0 are 0")),
    Rule("bMaxPower", "USB 2.0, 9.6.3; USB 3.2, 9.6.3", _power),
    Rule("wTotalLength", "USB 2.0, 9.6.3", _total),
    Rule("what follows", "USB 2.0, 9.5", lambda at: (
        f"are {len(at.configuration.rest)} bytes that are no descriptor" if at.configuration.rest else None)),
    Rule("bNumInterfaces", "USB 2.0, 9.6.3", lambda at: (
        None if at.configuration.interface_count in (None, len(at.numbers))
        else f"is {at.configuration.interface_count}; there are {len(at.numbers)}")),
    Rule("bInterfaceNumber", "USB 2.0, 9.6.5", _contiguous),
    Rule("bAlternateSetting", "USB 2.0, 9.2.3 and 9.6.5", _alternates),
    Rule("bEndpointAddress", "USB 2.0, 9.2.3", _shared),
    Rule("interface association", "USB 3.2, 9.6.4", _associated),
    Rule("string indices", "USB 2.0, 9.6.3", _configuration_strings),
)  # fmt: skip


def _duplicates(at: SettingAt) -> str | None:
    addresses = [each.address for each in at.interface.endpoints]
    twice = next((address for address in addresses if addresses.count(address) > 1), None)
    return None if twice is None else f"{twice:#04x} is there twice"


def _default_bandwidth(at: SettingAt) -> str | None:
    if at.interface.alternate or not any(EndpointAt(at.gadget.speed, e).reserves for e in at.interface.endpoints):
        return None
    return "of an isochronous endpoint is not 0 in alternate setting 0, which must fit on any bus"


def _bandwidth(at: SettingAt) -> str | None:
    budget = {Speed.FULL: 1350, Speed.HIGH: 6000}.get(at.gadget.speed)
    used = sum(EndpointAt(at.gadget.speed, each).bytes_a_frame for each in at.interface.endpoints)
    if budget is None or used <= budget:
        return None
    return f"add up to {used} bytes a (micro)frame; about {budget} are for periodic endpoints"


SETTING_RULES: tuple[Rule[SettingAt], ...] = (
    Rule("bNumEndpoints", "USB 2.0, 9.6.5", lambda at: (
        None if at.interface.endpoint_count in (None, len(at.interface.endpoints))
        else f"is {at.interface.endpoint_count}; there are {len(at.interface.endpoints)}")),
    Rule("bEndpointAddress", "USB 2.0, 9.6.6", _duplicates),
    Rule("endpoints", "USB 2.0, 5.3.1.2", lambda at: (
        f"are {len(at.interface.endpoints)}; a low-speed device has at most 2"
        if at.gadget.speed == Speed.LOW and len(at.interface.endpoints) > 2 else None)),
    Rule("wMaxPacketSize", "USB 2.0, 5.6.3", _default_bandwidth, strict=False),
    Rule("wMaxPacketSize", "USB 2.0, 5.6.4 and 5.7.4", _bandwidth, strict=False),
)  # fmt: skip
