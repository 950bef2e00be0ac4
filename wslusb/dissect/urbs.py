"""URB requests, responses and cancels as layers (docs/protocol.md, "URBs")."""

from __future__ import annotations

import struct

from scapy.fields import (
    ByteEnumField,
    FieldLenField,
    FlagsField,
    LEIntEnumField,
    LEIntField,
    LEShortEnumField,
    LEShortField,
    PacketField,
    PacketListField,
    StrLenField,
    XByteField,
    XLEShortField,
)
from scapy.packet import Packet

from ..usb.ids import DIR_IN, TransferType
from ..usb.setup import Request
from ..usb.urb import Status, UrbFlag
from ..wire import limits
from ..wire.urbs import Function
from .fields import Part, names

__all__ = [
    "UsbSetup",
    "WslUsbCancel",
    "WslUsbCancelAnswer",
    "WslUsbIsoLength",
    "WslUsbIsoResult",
    "WslUsbUrbRequest",
    "WslUsbUrbResponse",
]

IN = 1
"""USBD_TRANSFER_DIRECTION_IN."""
_FLAGS = {IN: "IN"} | {bit.value: str(bit.name) for bit in UrbFlag}
_FUNCTIONS = {
    TransferType.CONTROL: Function.CONTROL_TRANSFER,
    TransferType.ISOCHRONOUS: Function.ISOCH_TRANSFER,
    TransferType.BULK: Function.BULK_OR_INTERRUPT_TRANSFER,
    TransferType.INTERRUPT: Function.BULK_OR_INTERRUPT_TRANSFER,
}
_FUNCTION_AT, _FLAGS_AT, _LENGTH_AT, _SETUP_AT, _SETUP_END = 0, 4, 8, 28, 36


class UsbSetup(Part):
    """The eight bytes that open a control transfer (USB 2.0, 9.3); zeros in other URBs."""

    name = "USB setup"
    fields_desc = [
        XByteField("bmRequestType", 0),
        ByteEnumField("bRequest", 0, names(Request)),
        XLEShortField("wValue", 0),
        XLEShortField("wIndex", 0),
        LEShortField("wLength", 0),
    ]

    def mysummary(self) -> str:
        """One line."""
        return self.sprintf("%bmRequestType% %bRequest% %wValue% %wIndex% %wLength%")


class WslUsbIsoLength(Part):
    """The size of one isochronous packet of a request, in bytes."""

    name = "wslusb isochronous length"
    fields_desc = [LEIntField("length", 0)]


class WslUsbUrbRequest(Packet):
    """A URB for the device.

    ``function``, ``flags`` and ``length`` follow from the other fields where they are None: the function from the
    transfer type, the direction from ``setup`` or ``endpoint``, and the length from wLength, the isochronous table or
    the data. A read on a bulk or interrupt endpoint has to say its length.
    """

    name = "wslusb URB request"
    fields_desc = [
        LEShortEnumField("function", None, names(Function)),
        XByteField("endpoint", 0),
        ByteEnumField("transfer", TransferType.CONTROL, names(TransferType)),
        FlagsField("flags", None, -32, _FLAGS),
        LEIntField("length", None),
        LEIntField("interval", 0),
        LEIntField("stream", 0),
        LEIntField("start_frame", 0),
        FieldLenField("packets", None, fmt="<I", count_of="iso"),
        PacketField("setup", UsbSetup(), UsbSetup),
        PacketListField(
            "iso", [], WslUsbIsoLength, count_from=lambda packet: packet.packets, max_count=limits.ISO_PACKETS
        ),
        StrLenField("data", b"", length_from=lambda packet: 0 if packet.flags & IN else packet.length),
    ]

    def post_build(self, pkt: bytes, pay: bytes) -> bytes:
        """Fill in what was left to be computed."""
        head = bytearray(pkt)
        setup, rest = bytes(head[_SETUP_AT:_SETUP_END]), bytes(head[_SETUP_END:])
        control = self.transfer == TransferType.CONTROL
        if self.function is None:
            struct.pack_into("<H", head, _FUNCTION_AT, _FUNCTIONS.get(self.transfer, Function.CONTROL_TRANSFER))
        if self.flags is None:
            is_in = (setup[0] if control else self.endpoint) & DIR_IN
            struct.pack_into("<I", head, _FLAGS_AT, IN if is_in else 0)
        if self.length is None:
            struct.pack_into("<I", head, _LENGTH_AT, self._length(setup, rest))
        return bytes(head) + pay

    def _length(self, setup: bytes, rest: bytes) -> int:
        if self.transfer == TransferType.CONTROL:
            return int.from_bytes(setup[6:8], "little")
        if self.iso:
            table = struct.unpack_from(f"<{len(self.iso)}I", rest)
            return int(sum(table) & 0xFFFFFFFF)
        return len(rest)

    def mysummary(self) -> str:
        """One line."""
        return self.sprintf("%function% %endpoint% %length% bytes")


class WslUsbIsoResult(Part):
    """What became of one isochronous packet."""

    name = "wslusb isochronous result"
    fields_desc = [LEIntEnumField("status", Status.OK, names(Status)), LEIntField("actual_length", 0)]


class WslUsbUrbResponse(Packet):
    """How a URB ended. ``data`` are there for IN alone: one that wrote has an actual length and none."""

    name = "wslusb URB response"
    fields_desc = [
        LEIntEnumField("status", Status.OK, names(Status)),
        FieldLenField("actual_length", None, fmt="<I", length_of="data"),
        LEIntField("error_count", 0),
        LEIntField("start_frame", 0),
        FieldLenField("packets", None, fmt="<I", count_of="iso"),
        PacketListField(
            "iso", [], WslUsbIsoResult, count_from=lambda packet: packet.packets, max_count=limits.ISO_PACKETS
        ),
        StrLenField("data", b"", length_from=lambda packet: packet.actual_length),
    ]

    def mysummary(self) -> str:
        """One line."""
        return self.sprintf("response %status% %actual_length% bytes")


class WslUsbCancel(Packet):
    """Ask for a URB back."""

    name = "wslusb cancel"
    fields_desc = [LEIntField("target", 0)]

    def mysummary(self) -> str:
        """One line."""
        return self.sprintf("cancel %target%")


class WslUsbCancelAnswer(Packet):
    """What came of a cancel."""

    name = "wslusb cancel answer"
    fields_desc = [LEIntField("target", 0), LEIntEnumField("outcome", 0, {0: "LOST", 1: "WON"})]

    def mysummary(self) -> str:
        """One line."""
        return self.sprintf("cancel of %target% %outcome%")
