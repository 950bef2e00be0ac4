"""USB/IP as layers: the four commands that vhci_hcd speaks, and the import and the list of devices before them.

Big-endian (Documentation/usb/usbip_protocol.rst; drivers/usb/usbip/usbip_common.h; usbip_network.h).
RET_SUBMIT does not say which way its URB went: its data are what lies between header and isochronous table.
"""

from __future__ import annotations

import struct
from typing import Any

from scapy.config import conf
from scapy.fields import (
    ByteField,
    FieldLenField,
    FlagsField,
    IntEnumField,
    IntField,
    PacketField,
    PacketListField,
    ShortEnumField,
    SignedIntField,
    StrFixedLenField,
    StrLenField,
    XByteField,
    XIntField,
    XShortField,
)
from scapy.packet import Packet, bind_layers

from ..usb.ids import Speed
from ..wire import limits
from .fields import AnyField, Part, names
from .urbs import UsbSetup

__all__ = [
    "UsbIp",
    "UsbIpCmdSubmit",
    "UsbIpCmdUnlink",
    "UsbIpDevice",
    "UsbIpInterface",
    "UsbIpIsoPacket",
    "UsbIpOp",
    "UsbIpRepDevlist",
    "UsbIpRepImport",
    "UsbIpReqImport",
    "UsbIpRetSubmit",
    "UsbIpRetUnlink",
]

VERSION = 0x0111
CMD_SUBMIT, CMD_UNLINK, RET_SUBMIT, RET_UNLINK = 1, 2, 3, 4
REQ_IMPORT, REP_IMPORT, REQ_DEVLIST, REP_DEVLIST = 0x8003, 0x0003, 0x8005, 0x0005
_OUT, _IN = 0, 1
_ISO_SIZE = 16
_PACKETS_AT = 12
_NO_PACKETS = 0xFFFFFFFF
_TRANSFER_FLAGS = {0x1: "SHORT_NOT_OK", 0x2: "ISO_ASAP", 0x40: "ZERO_PACKET", 0x80: "NO_INTERRUPT", 0x200: "DIR_IN"}


class UsbIpIsoPacket(Part):
    """One isochronous packet: where it lies, its size, and what became of it."""

    name = "USB/IP isochronous packet"
    fields_desc = [
        IntField("offset", 0),
        IntField("length", 0),
        IntField("actual_length", 0),
        SignedIntField("status", 0),
    ]


class UsbIp(Packet):
    """The first 20 bytes of every command. ``way`` (the direction) and ``ep`` are 0 in answers."""

    name = "USB/IP"
    fields_desc = [
        IntEnumField("code", CMD_SUBMIT, {
            CMD_SUBMIT: "CMD_SUBMIT", CMD_UNLINK: "CMD_UNLINK", RET_SUBMIT: "RET_SUBMIT", RET_UNLINK: "RET_UNLINK",
        }),
        IntField("seqnum", 1),
        XIntField("devid", 0),
        IntEnumField("way", _OUT, {_OUT: "OUT", _IN: "IN"}),
        IntField("ep", 0),
    ]  # fmt: skip

    @classmethod
    def dispatch_hook(cls, _pkt: bytes = b"", *_args: Any, **_kwargs: Any) -> type[Packet]:
        """A command, one of the messages before them, or Raw."""
        if not _pkt:
            return cls
        if _pkt[:2] == VERSION.to_bytes(2, "big"):
            return UsbIpOp if len(_pkt) >= 8 else conf.raw_layer
        return cls if len(_pkt) >= 48 else conf.raw_layer

    def hashret(self) -> bytes:
        """The number that answers carry too."""
        return struct.pack(">I", self.seqnum & 0xFFFFFFFF)

    def answers(self, other: Packet) -> int:
        """Whether this is the RET of that CMD."""
        return int(isinstance(other, UsbIp) and self.code == other.code + 2 and self.seqnum == other.seqnum)

    def mysummary(self) -> str:
        """One line."""
        return self.sprintf("USB/IP %code% #%seqnum% ep %ep% %way%")


class _Packets(Packet):
    """Commands with isochronous packets. All ones in ``packets`` stand for none, as newer kernels write it."""

    def post_build(self, pkt: bytes, pay: bytes) -> bytes:
        """Lengths and counts that were left to be computed."""
        head = bytearray(pkt)
        if self.getfieldval("packets") is None:
            struct.pack_into(">I", head, _PACKETS_AT, len(self.iso))
        return bytes(head) + pay


def _count(packet: Packet) -> int:
    return 0 if packet.packets in (None, _NO_PACKETS) else int(packet.packets)


def _table() -> PacketListField:
    return PacketListField("iso", [], UsbIpIsoPacket, count_from=_count, max_count=limits.ISO_PACKETS)


def _out_size(packet: Packet) -> int:
    under = packet.underlayer
    return 0 if isinstance(under, UsbIp) and under.way == _IN else int(packet.length)


def _in_size(packet: Packet) -> int:
    return max(int(packet.remaining) - _ISO_SIZE * _count(packet), 0)


class UsbIpCmdSubmit(_Packets):
    """A URB. ``length`` is that of the data where it is None."""

    name = "USB/IP CMD_SUBMIT"
    fields_desc = [
        FlagsField("flags", 0, 32, _TRANSFER_FLAGS),
        FieldLenField("length", None, fmt=">I", length_of="data"),
        SignedIntField("start_frame", 0),
        IntField("packets", None),
        SignedIntField("interval", 0),
        PacketField("setup", UsbSetup(), UsbSetup),
        StrLenField("data", b"", length_from=_out_size),
        _table(),
    ]


class UsbIpRetSubmit(_Packets):
    """What became of a URB. ``status`` is a negative errno."""

    name = "USB/IP RET_SUBMIT"
    __slots__ = ["remaining"]
    fields_desc = [
        SignedIntField("status", 0),
        FieldLenField("actual_length", None, fmt=">I", length_of="data"),
        SignedIntField("start_frame", 0),
        IntField("packets", None),
        SignedIntField("error_count", 0),
        StrFixedLenField("padding", bytes(8), length=8),
        StrLenField("data", b"", length_from=_in_size),
        _table(),
    ]

    def pre_dissect(self, s: bytes) -> bytes:
        """How much there is besides the header."""
        self.remaining = len(s) - 28
        return s


class UsbIpCmdUnlink(Packet):
    """Give back the URB numbered ``target``."""

    name = "USB/IP CMD_UNLINK"
    fields_desc = [IntField("target", 0), StrFixedLenField("padding", bytes(24), length=24)]


class UsbIpRetUnlink(Packet):
    """-ECONNRESET (-104) if it was stopped, 0 if it had been given back before."""

    name = "USB/IP RET_UNLINK"
    fields_desc = [SignedIntField("status", 0), StrFixedLenField("padding", bytes(24), length=24)]


class UsbIpInterface(Part):
    """One interface of a listed device."""

    name = "USB/IP interface"
    fields_desc = [
        XByteField("interface_class", 0),
        XByteField("subclass", 0),
        XByteField("protocol", 0),
        ByteField("pad", 0),
    ]


_DEVICE: list[AnyField] = [
    StrFixedLenField("path", b"", length=256),
    StrFixedLenField("busid", b"", length=32),
    IntField("busnum", 1),
    IntField("devnum", 1),
    IntEnumField("speed", Speed.HIGH, names(Speed)),
    XShortField("vendor", 0),
    XShortField("product", 0),
    XShortField("bcd_device", 0),
    XByteField("device_class", 0),
    XByteField("subclass", 0),
    XByteField("protocol", 0),
    ByteField("active_configuration", 1),
    ByteField("configurations", 1),
]


class UsbIpDevice(Part):
    """A device of OP_REP_DEVLIST, with its interfaces."""

    name = "USB/IP device"
    fields_desc = [
        *_DEVICE,
        FieldLenField("count", None, fmt="B", count_of="interfaces"),
        PacketListField("interfaces", [], UsbIpInterface, count_from=lambda packet: packet.count, max_count=255),
    ]


class UsbIpOp(Packet):
    """The head of the messages before a device is imported."""

    name = "USB/IP OP"
    fields_desc = [
        XShortField("version", VERSION),
        ShortEnumField("code", REQ_DEVLIST, {
            REQ_IMPORT: "REQ_IMPORT", REP_IMPORT: "REP_IMPORT", REQ_DEVLIST: "REQ_DEVLIST", REP_DEVLIST: "REP_DEVLIST",
        }),
        IntEnumField("status", 0, {0: "OK", 1: "NA", 2: "DEV_BUSY", 3: "DEV_ERR", 4: "NODEV", 5: "ERROR"}),
    ]  # fmt: skip

    def answers(self, other: Packet) -> int:
        """Whether this is the REP of that REQ."""
        return int(isinstance(other, UsbIpOp) and self.code == other.code & 0x7FFF != other.code)

    def mysummary(self) -> str:
        """One line."""
        return self.sprintf("USB/IP %code% %status%")


class UsbIpReqImport(Packet):
    """Ask for a device."""

    name = "USB/IP OP_REQ_IMPORT"
    fields_desc = [StrFixedLenField("busid", b"", length=32)]


class UsbIpRepImport(Packet):
    """The device, if the status before it is 0."""

    name = "USB/IP OP_REP_IMPORT"
    fields_desc = [*_DEVICE, ByteField("interfaces", 0)]


class UsbIpRepDevlist(Packet):
    """All devices that may be imported."""

    name = "USB/IP OP_REP_DEVLIST"
    fields_desc = [
        FieldLenField("count", None, fmt=">I", count_of="devices"),
        PacketListField("devices", [], UsbIpDevice, count_from=lambda packet: packet.count, max_count=limits.DEVICES),
    ]


_COMMANDS: dict[int, type[Packet]] = {
    CMD_SUBMIT: UsbIpCmdSubmit,
    CMD_UNLINK: UsbIpCmdUnlink,
    RET_SUBMIT: UsbIpRetSubmit,
    RET_UNLINK: UsbIpRetUnlink,
}
_OPERATIONS: dict[int, type[Packet]] = {
    REQ_IMPORT: UsbIpReqImport,
    REP_IMPORT: UsbIpRepImport,
    REP_DEVLIST: UsbIpRepDevlist,
}
for _code, _layer in _COMMANDS.items():
    bind_layers(UsbIp, _layer, code=_code)
for _code, _layer in _OPERATIONS.items():
    bind_layers(UsbIpOp, _layer, code=_code)
