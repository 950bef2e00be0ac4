"""Rules of the device as a whole: its descriptor and its strings."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from wslusb.usb.ids import Speed

from .rule import Rule, any_of

if TYPE_CHECKING:
    from ..gadget import Gadget

__all__ = ["DEVICE_RULES"]

_EP0_SIZES = {Speed.LOW: (8,), Speed.FULL: (8, 16, 32, 64), Speed.HIGH: (64,), Speed.SUPER: (9,)}


def _ep0_size(gadget: Gadget) -> str | None:
    sizes = _EP0_SIZES[min(gadget.speed, Speed.SUPER)]
    size = gadget.device.max_packet_size0
    said = " (2^9 bytes)" if gadget.speed >= Speed.SUPER else ""
    return None if size in sizes else f"is {size}; at {gadget.speed.name} speed it is {any_of(sizes)}{said}"


def _bcd_usb(gadget: Gadget) -> str | None:
    version, least = gadget.device.bcd_usb, {Speed.HIGH: 0x0200, Speed.SUPER: 0x0300, Speed.SUPER_PLUS: 0x0310}
    if any(digit > 9 for digit in (version >> shift & 0xF for shift in (0, 4, 8, 12))):
        return f"is {version:#06x}, which is not binary-coded decimal"
    if version < least.get(gadget.speed, 0x0100):
        return f"is {version:#06x}; {gadget.speed.name} speed needs at least {least.get(gadget.speed, 0x0100):#06x}"
    return None


def _count(gadget: Gadget) -> str | None:
    said, there = gadget.device.configuration_count, len(gadget.configurations)
    return None if said == there > 0 else f"is {said} and there are {there}; there is at least one"


def _string_indices(gadget: Gadget) -> str | None:
    device, most = gadget.device, len(gadget.strings)
    fields = {"iManufacturer": device.manufacturer, "iProduct": device.product_string, "iSerialNumber": device.serial}
    bad = [f"{name} {index}" for name, index in fields.items() if index > most]
    return f"{', '.join(bad)}, and there are {most} strings" if bad else None


def _string_lengths(gadget: Gadget) -> str | None:
    bad = next((text for text in gadget.strings if len(text.encode("utf-16-le", "surrogatepass")) > 252), None)
    return None if bad is None else f"{bad[:20]!r}... is longer than the 126 UTF-16 units that a descriptor holds"


def _strings_are_unicode(gadget: Gadget) -> str | None:
    bad = next((text for text in gadget.strings if any("\ud800" <= each <= "\udfff" for each in text)), None)
    return None if bad is None else f"{bad[:20]!r} holds half of a surrogate pair, which is no character"


def _values_unique(gadget: Gadget) -> str | None:
    values = [each.value for each in gadget.configurations]
    twice = next((value for value in values if values.count(value) > 1), None)
    return None if twice is None else f"{twice} is that of two configurations"


def _associated_class(gadget: Gadget) -> str | None:
    device, triple = gadget.device, (0xEF, 2, 1)
    said = (device.device_class, device.subclass, device.protocol)
    there = any(each.association for configuration in gadget.configurations for each in configuration.interfaces)
    if not there or said == triple:
        return None
    numbers = " ".join(f"{each:02x}" for each in said)
    return f"is {numbers} (class, subclass, protocol); with interface associations it is ef 02 01"


def _fits(gadget: Gadget) -> str | None:
    try:
        gadget.device.pack()
    except struct.error as error:
        return f"cannot be written, for a field does not fit into its bytes: {error}"
    return None


DEVICE_RULES: tuple[Rule[Gadget], ...] = (
    Rule("descriptor", "USB 2.0, 9.6.1", _fits),
    Rule("bMaxPacketSize0", "USB 2.0, 5.5.3; USB 3.2, 9.6.1", _ep0_size),
    Rule("bcdUSB", "USB 2.0, 9.6.1; USB 3.2, 9.6.1", _bcd_usb),
    Rule("bcdUSB", "USB 3.2, 9.2.6.6", lambda it: (
        f"is {it.device.bcd_usb:#06x}; below SuperSpeed a USB 3 device says 0x0210"
        if it.speed < Speed.SUPER and it.device.bcd_usb > 0x0210 else None), strict=False),
    Rule("bDeviceSubClass", "USB 2.0, 9.6.1", lambda it: (
        f"is {it.device.subclass}; it is 0 where bDeviceClass is"
        if it.device.subclass and not it.device.device_class else None)),
    Rule("bDeviceClass", "USB 3.2, 9.6.4", _associated_class, strict=False),
    Rule("bNumConfigurations", "USB 2.0, 9.6.1", _count),
    Rule("bLength", "USB 2.0, 9.6.1", lambda it: (
        f"is {18 + len(it.device.tail)}; a device descriptor has 18 bytes" if it.device.tail else None)),
    Rule("string indices", "USB 2.0, 9.6.1", _string_indices),
    Rule("strings", "USB 2.0, 9.6.7", _string_lengths),
    Rule("strings", "USB 2.0, 9.6.7", _strings_are_unicode),
    Rule("bConfigurationValue", "USB 2.0, 9.6.3", _values_unique),
)  # fmt: skip
