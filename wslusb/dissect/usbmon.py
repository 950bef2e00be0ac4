"""Link types 220 and 189: the records of Linux' usbmon (drivers/usb/mon/mon_bin.c), which Scapy has no layer for.

Little-endian, as nearly every machine that captures; ``wslusb.capture.usbmon`` reads both orders.
"""

from __future__ import annotations

import struct
from typing import Any

from scapy.config import conf
from scapy.fields import (
    ByteEnumField,
    ByteField,
    FlagsField,
    LEIntField,
    LEShortField,
    LESignedIntField,
    LESignedLongField,
    PacketField,
    PacketListField,
    StrLenField,
    XByteField,
    XLELongField,
)
from scapy.packet import Packet

from ..wire import limits
from .fields import AnyField, Part, when
from .urbs import UsbSetup

__all__ = ["UsbMon", "UsbMonIsoPacket", "UsbMonShort"]

_LINK_TYPE, _SHORT_LINK_TYPE = 220, 189
_ISOCHRONOUS, _CONTROL = 0, 2
_TRANSFERS = {_ISOCHRONOUS: "ISOCHRONOUS", 1: "INTERRUPT", _CONTROL: "CONTROL", 3: "BULK"}
_KINDS = {ord("S"): "SUBMIT", ord("C"): "COMPLETE", ord("E"): "ERROR"}
_MARKS = {0: "present", ord("-"): "none", ord("<"): "IN, not yet", ord(">"): "OUT, seen before", ord("="): "gone"}
_URB_FLAGS = {0x1: "SHORT_NOT_OK", 0x2: "ISO_ASAP", 0x40: "ZERO_PACKET", 0x80: "NO_INTERRUPT", 0x200: "DIR_IN"}
_ISO_SIZE = 16
_URB_LENGTH_AT, _DATA_LENGTH_AT, _ISO_COUNT_AT, _COUNT_AT = 32, 36, 44, 60


class UsbMonIsoPacket(Part):
    """One packet of an isochronous record."""

    name = "usbmon isochronous packet"
    fields_desc = [
        LESignedIntField("status", 0),
        LEIntField("offset", 0),
        LEIntField("length", 0),
        LEIntField("pad", 0),
    ]


def _is_iso(packet: Packet) -> bool:
    return bool(packet.transfer == _ISOCHRONOUS)


def _head() -> list[AnyField]:
    """The 48 bytes that both link types have. What stands where SETUP would is other numbers in isochronous records."""
    return [
        XLELongField("id", 0),
        ByteEnumField("kind", ord("S"), _KINDS),
        ByteEnumField("transfer", _CONTROL, _TRANSFERS),
        XByteField("endpoint", 0x80),
        ByteField("device", 1),
        LEShortField("bus", 1),
        ByteEnumField("setup_flag", 0, _MARKS),
        ByteEnumField("data_flag", 0, _MARKS),
        LESignedLongField("seconds", 0),
        LESignedIntField("microseconds", 0),
        LESignedIntField("status", 0),
        LEIntField("urb_length", None),
        LEIntField("data_length", None),
        *when(lambda packet: not _is_iso(packet), [PacketField("setup", UsbSetup(), UsbSetup)]),
        *when(_is_iso, [LESignedIntField("error_count", 0), LEIntField("iso_count", None)]),
    ]


def _tail(count: str) -> list[AnyField]:
    """The table and the data. ``data_length`` counts both."""
    return [
        PacketListField(
            "iso", [], UsbMonIsoPacket, count_from=lambda packet: _count(packet, count), max_count=limits.ISO_PACKETS
        ),
        StrLenField("data", b"", length_from=lambda packet: _data_size(packet, count)),
    ]


def _count(packet: Packet, name: str) -> int:
    return int(packet.getfieldval(name) or 0) if _is_iso(packet) else 0


def _data_size(packet: Packet, name: str) -> int:
    return max(int(packet.data_length) - _ISO_SIZE * _count(packet, name), 0)


class UsbMonShort(Packet):
    """Link type 189: a header of 48 bytes."""

    name = "usbmon (48 bytes)"
    fields_desc = [*_head(), *_tail("iso_count")]
    header_size = 48

    @classmethod
    def dispatch_hook(cls, _pkt: bytes = b"", *_args: Any, **_kwargs: Any) -> type[Packet]:
        """Raw for what is shorter than a header."""
        return conf.raw_layer if _pkt and len(_pkt) < cls.header_size else cls

    def post_build(self, pkt: bytes, pay: bytes) -> bytes:
        """Lengths and counts that were left to be computed."""
        head = bytearray(pkt)
        captured = len(head) - self.header_size
        for name, at, value in (
            ("urb_length", _URB_LENGTH_AT, len(self.data)),
            ("data_length", _DATA_LENGTH_AT, captured),
            *self._counts(),
        ):
            if self.getfieldval(name) is None:
                struct.pack_into("<I", head, at, value)
        return bytes(head) + pay

    def _counts(self) -> list[tuple[str, int, int]]:
        return [("iso_count", _ISO_COUNT_AT, len(self.iso))] if _is_iso(self) else []

    def mysummary(self) -> str:
        """One line."""
        return self.sprintf("usbmon %kind% %transfer% %bus%.%device% %endpoint% %status% %urb_length% bytes")


class UsbMon(UsbMonShort):
    """Link type 220: a header of 64 bytes, what ``wslusb capture`` writes of URBs."""

    name = "usbmon"
    fields_desc = [
        *_head(),
        LESignedIntField("interval", 0),
        LESignedIntField("start_frame", 0),
        FlagsField("flags", 0, -32, _URB_FLAGS),
        LEIntField("packets", None),
        *_tail("packets"),
    ]
    header_size = 64

    @classmethod
    def dispatch_hook(cls, _pkt: bytes = b"", *_args: Any, **_kwargs: Any) -> type[Packet]:
        """Raw for what is shorter than a header."""
        return conf.raw_layer if _pkt and len(_pkt) < cls.header_size else cls

    def _counts(self) -> list[tuple[str, int, int]]:
        return [*super()._counts(), ("packets", _COUNT_AT, len(self.iso))]


conf.l2types.register(_LINK_TYPE, UsbMon)
conf.l2types.register(_SHORT_LINK_TYPE, UsbMonShort)
