"""Functional descriptors of communications interfaces (CDC 1.2, 5.2.3; PSTN 1.2, 5.3; ECM 1.2, 5.4; NCM 1.0, 5.2)."""

from __future__ import annotations

import enum
import struct

from wslusb.usb.descriptors import Endpoint
from wslusb.usb.descriptors_extra import class_specific
from wslusb.usb.ids import TransferType

__all__ = [
    "CS_INTERFACE", "Subclass", "Subtype", "abstract_control", "bulk_pair", "call_management", "ethernet", "header",
    "ncm", "notification_endpoint", "union",
]  # fmt: skip

CS_INTERFACE = 0x24
_BCD_CDC = 0x0120
_EVERY_32_MS = 9


class Subclass(enum.IntEnum):
    """bInterfaceSubClass of a communications interface (CDC 1.2, table 4)."""

    ABSTRACT_CONTROL = 0x02
    ETHERNET = 0x06
    NCM = 0x0D


class Subtype(enum.IntEnum):
    """bDescriptorSubtype of a functional descriptor (CDC 1.2, table 13)."""

    HEADER = 0x00
    CALL_MANAGEMENT = 0x01
    ABSTRACT_CONTROL = 0x02
    UNION = 0x06
    ETHERNET = 0x0F
    NCM = 0x1A


def _functional(subtype: Subtype, body: bytes) -> bytes:
    return class_specific(CS_INTERFACE, bytes((subtype,)) + body)


def header() -> bytes:
    """The first of them all: the release of the CDC specification."""
    return _functional(Subtype.HEADER, struct.pack("<H", _BCD_CDC))


def union(control: int, data: int) -> bytes:
    """Which interfaces make up the function."""
    return _functional(Subtype.UNION, bytes((control, data)))


def call_management(data: int) -> bytes:
    """The device handles calls by AT commands, if at all, in the data interface."""
    return _functional(Subtype.CALL_MANAGEMENT, bytes((0x00, data)))


def abstract_control(capabilities: int) -> bytes:
    """Bit 1: line coding, control lines and SERIAL_STATE; bit 2: SEND_BREAK (PSTN 1.2, table 4)."""
    return _functional(Subtype.ABSTRACT_CONTROL, bytes((capabilities,)))


def ethernet(mac_string: int, max_segment: int, statistics: int, multicast_filters: int) -> bytes:
    """``mac_string`` is the index of the string with the host's address, ``max_segment`` in bytes without the FCS."""
    body = struct.pack("<BIHHB", mac_string, statistics, max_segment, multicast_filters, 0)
    return _functional(Subtype.ETHERNET, body)


def ncm(capabilities: int) -> bytes:
    """Bits of bmNetworkCapabilities (NCM 1.0, table 5-2)."""
    return _functional(Subtype.NCM, struct.pack("<HB", 0x0100, capabilities))


def notification_endpoint(address: int) -> Endpoint:
    """At high speed. 16 bytes hold every notification that there is here in one packet; asked for every 32 ms."""
    return Endpoint(address, TransferType.INTERRUPT, 16, _EVERY_32_MS)


def bulk_pair(address_in: int, address_out: int) -> list[Endpoint]:
    """The data interface's endpoints, at high speed."""
    return [Endpoint(address_in, TransferType.BULK, 512), Endpoint(address_out, TransferType.BULK, 512)]
