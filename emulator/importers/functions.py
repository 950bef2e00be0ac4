"""The descriptors of the kernel's gadget functions, as far as they follow from a function's type and attributes.

Linux: drivers/usb/gadget/function/f_*.c, at high speed. What only the running kernel decides (endpoint addresses,
string indices) is given out by :class:`Allocator` in order.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from wslusb.usb.descriptors import Endpoint, Interface
from wslusb.usb.descriptors_extra import InterfaceAssociation, class_specific
from wslusb.usb.ids import ClassCode, TransferType
from wslusb.usb.setup import Request

from .evidence import Key, unreadable
from .libconfig import Value

__all__ = ["FUNCTIONS", "Allocator", "Function"]

_CS_INTERFACE, _HID, _REPORT = 0x24, 0x21, 0x22
_BULK_SIZE = 512
_INTERRUPT_32_MS = 9
"""bInterval of the notification endpoints: 2 ** (9 - 1) microframes."""

Attributes = Mapping[str, Value]


@dataclass(slots=True)
class Allocator:
    """Gives out interface numbers, endpoint addresses and string indices, and keeps what was said about them."""

    interfaces: int = 0
    endpoints: dict[int, int] = field(default_factory=dict)
    """How many there are, by direction."""
    strings: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    answers: dict[Key, list[bytes]] = field(default_factory=dict)

    def interface(self) -> int:
        """The next interface number."""
        self.interfaces += 1
        return self.interfaces - 1

    def bulk(self) -> list[Endpoint]:
        """A pair of bulk endpoints."""
        return [self._endpoint(0x80, TransferType.BULK, _BULK_SIZE), self._endpoint(0, TransferType.BULK, _BULK_SIZE)]

    def interrupt(self, size: int, interval: int = _INTERRUPT_32_MS, direction: int = 0x80) -> Endpoint:
        """An interrupt endpoint."""
        return self._endpoint(direction, TransferType.INTERRUPT, size, interval)

    def _endpoint(self, direction: int, transfer: TransferType, size: int, interval: int = 0) -> Endpoint:
        number = self.endpoints[direction] = self.endpoints.get(direction, 0) + 1
        if number > 15:
            raise unreadable("the functions need more than 15 endpoints in one direction")
        return Endpoint(direction | number, transfer, size, interval)

    def next_configuration(self) -> None:
        """Interfaces and endpoints are numbered anew; strings are the device's."""
        self.interfaces = 0
        self.endpoints.clear()

    def string(self, text: str) -> int:
        """The index of a string, a new one where there is none with this text."""
        if not text:
            return 0
        if text not in self.strings:
            self.strings.append(text)
        return self.strings.index(text) + 1


Function = Callable[[Allocator, Attributes], list[Interface]]


def _cdc(kind: int, body: bytes) -> bytes:
    return class_specific(_CS_INTERFACE, bytes((kind,)) + body)


def _acm(take: Allocator, attributes: Attributes) -> list[Interface]:  # noqa: ARG001
    """f_acm.c: a modem without call management."""
    control, data = take.interface(), take.interface()
    extra = [_cdc(0, b"\x10\x01"), _cdc(1, bytes((0, data))), _cdc(2, b"\x02"), _cdc(6, bytes((control, data)))]
    first = Interface(
        control, 0, ClassCode.COMMUNICATIONS, 2, 1, take.string("CDC Abstract Control Model (ACM)"),
        [take.interrupt(10)], extra=extra,
        association=InterfaceAssociation(control, 2, ClassCode.COMMUNICATIONS, 2, 1, take.string("CDC Serial")),
    )  # fmt: skip
    return [first, Interface(data, 0, ClassCode.CDC_DATA, 0, 0, take.string("CDC ACM Data"), take.bulk())]


def _ethernet(take: Allocator, attributes: Attributes, more: bytes = b"") -> tuple[int, int, list[bytes]]:
    """Interface numbers, and the functional descriptors that ECM and NCM share."""
    control, data = take.interface(), take.interface()
    address = attributes.get("host_addr")
    if not isinstance(address, str) or not address:
        take.missing.append("host_addr: not in the scheme, the kernel makes a random one; 020000000001 instead")
        address = "02:00:00:00:00:01"
    mac = take.string(address.replace(":", "").upper())
    extra = [
        _cdc(0, b"\x10\x01"), _cdc(6, bytes((control, data))),
        _cdc(0x0F, struct.pack("<BIHHB", mac, 0, 1514, 0, 0)),
    ]  # fmt: skip
    return control, data, extra + ([more] if more else [])


def _ecm(take: Allocator, attributes: Attributes) -> list[Interface]:
    """f_ecm.c."""
    control, data, extra = _ethernet(take, attributes)
    name = take.string("CDC Ethernet Control Model (ECM)")
    association = InterfaceAssociation(control, 2, ClassCode.COMMUNICATIONS, 6, 0, take.string("CDC ECM"))
    return [
        Interface(control, 0, ClassCode.COMMUNICATIONS, 6, 0, name, [take.interrupt(16)], extra=extra,
                  association=association),
        Interface(data, 0, ClassCode.CDC_DATA, 0, 0, 0),
        Interface(data, 1, ClassCode.CDC_DATA, 0, 0, take.string("CDC Ethernet Data"), take.bulk()),
    ]  # fmt: skip


def _ncm(take: Allocator, attributes: Attributes) -> list[Interface]:
    """f_ncm.c: packet filters and NTB input size can be set, CRC mode too (0x11)."""
    control, data, extra = _ethernet(take, attributes, _cdc(0x1A, b"\x00\x01\x11"))
    name, ntb = take.string("CDC Network Control Model (NCM)"), take.string("CDC Network Data")
    association = InterfaceAssociation(control, 2, ClassCode.COMMUNICATIONS, 13, 0, take.string("CDC NCM"))
    return [
        Interface(control, 0, ClassCode.COMMUNICATIONS, 13, 0, name, [take.interrupt(16)], extra=extra,
                  association=association),
        Interface(data, 0, ClassCode.CDC_DATA, 0, 1, ntb),
        Interface(data, 1, ClassCode.CDC_DATA, 0, 1, ntb, take.bulk()),
    ]  # fmt: skip


def _serial(take: Allocator, attributes: Attributes) -> list[Interface]:  # noqa: ARG001
    """f_serial.c: two bulk endpoints and no class."""
    return [Interface(take.interface(), 0, ClassCode.VENDOR, 0, 0, take.string("Generic Serial"), take.bulk())]


def _mass_storage(take: Allocator, attributes: Attributes) -> list[Interface]:  # noqa: ARG001
    """f_mass_storage.c: SCSI over Bulk-Only Transport; the OUT endpoint NAKs at most once a microframe."""
    endpoints = take.bulk()
    endpoints[1].interval = 1
    return [Interface(take.interface(), 0, ClassCode.MASS_STORAGE, 6, 0x50, take.string("Mass Storage"), endpoints)]


def _hid(take: Allocator, attributes: Attributes) -> list[Interface]:
    """f_hid.c: two interrupt endpoints (one with ``no_out_endpoint``); a report every millisecond."""
    number = take.interface()
    size = _number(attributes, "report_length", 8)
    report = _report(attributes)
    if not report:
        take.missing.append("report_desc of a hid function: not in the scheme; wDescriptorLength is 0")
    take.answers[0x81, Request.GET_DESCRIPTOR, _REPORT << 8, number] = [report]
    extra = [class_specific(_HID, struct.pack("<HBBBH", 0x0101, 0, 1, _REPORT, len(report)))]
    endpoints = [take.interrupt(size, 4)]
    if not attributes.get("no_out_endpoint"):
        endpoints.append(take.interrupt(size, 4, 0))
    subclass, protocol = _number(attributes, "subclass", 0), _number(attributes, "protocol", 0)
    return [Interface(number, 0, ClassCode.HID, subclass & 0xFF, protocol & 0xFF, take.string("HID Interface"),
                      endpoints, extra=extra)]  # fmt: skip


def _report(attributes: Attributes) -> bytes:
    value = attributes.get("report_desc")
    if isinstance(value, list):
        return bytes(each & 0xFF for each in value if isinstance(each, int))[:4096]
    return b""


def _number(attributes: Attributes, name: str, default: int) -> int:
    value = attributes.get(name, default)
    return value & 0x7FF if isinstance(value, int) else default


FUNCTIONS: dict[str, Function] = {
    "acm": _acm, "ecm": _ecm, "ncm": _ncm, "gser": _serial, "mass_storage": _mass_storage, "hid": _hid,
}  # fmt: skip
"""By their types in configfs. Others cannot be known from a scheme alone (``ffs`` is described by its program)."""
