"""The payloads of the control plane: hello, enumeration, attach, status, event, error (docs/protocol.md)."""

from __future__ import annotations

from scapy.fields import (
    ByteEnumField,
    ByteField,
    FieldLenField,
    FlagsField,
    LEIntEnumField,
    LEIntField,
    LEShortField,
    PacketField,
    PacketListField,
    StrFixedLenField,
    StrLenField,
    XByteField,
    XLEShortField,
)
from scapy.packet import Packet

from ..errors import PeerReason
from ..usb.ids import Speed
from ..usb.urb import Status
from ..wire import limits
from ..wire.events import EventKind
from ..wire.listing import DeviceState
from ..wire.messages import MAGIC, VERSION, Capability, Purpose
from .fields import Part, blob, names, text, when

__all__ = [
    "WslUsbAttach",
    "WslUsbAttachAnswer",
    "WslUsbBlob",
    "WslUsbDevice",
    "WslUsbEnumerationAnswer",
    "WslUsbError",
    "WslUsbEvent",
    "WslUsbHello",
    "WslUsbNode",
    "WslUsbStatusAnswer",
]

_LIMITS = limits.Limits()


class WslUsbHello(Packet):
    """The first message of either side."""

    name = "wslusb hello"
    fields_desc = [
        StrFixedLenField("magic", MAGIC, length=len(MAGIC)),
        LEShortField("oldest", VERSION),
        LEShortField("newest", VERSION),
        ByteEnumField("purpose", Purpose.CONTROL, names(Purpose)),
        FlagsField("capabilities", 0, -32, {bit.value: str(bit.name) for bit in Capability}),
        LEIntField("transfer", _LIMITS.transfer),
        LEIntField("iso_packets", _LIMITS.iso_packets),
        LEIntField("urbs", _LIMITS.urbs),
        LEIntField("bytes_in_flight", _LIMITS.bytes_in_flight),
        FieldLenField("token_size", None, fmt="B", length_of="token"),
        StrLenField("token", b"", length_from=lambda packet: packet.token_size, max_length=255),
        *text("speaker"),
    ]

    def mysummary(self) -> str:
        """One line."""
        return self.sprintf("hello %purpose% %speaker%")


class WslUsbDevice(Part):
    """One entry of an enumeration."""

    name = "wslusb device"
    fields_desc = [
        *text("busid"),
        XLEShortField("vendor", 0),
        XLEShortField("product", 0),
        XLEShortField("bcd_device", 0),
        XByteField("device_class", 0),
        XByteField("subclass", 0),
        XByteField("protocol", 0),
        ByteEnumField("speed", Speed.HIGH, names(Speed)),
        LEIntField("generation", 1),
        *text("manufacturer"),
        *text("product_name"),
        *text("serial"),
        *text("port_path"),
        ByteField("active_configuration", 0),
        *blob("device_descriptor"),
        ByteEnumField("state", DeviceState.SHARED, names(DeviceState)),
        *text("owner"),
    ]


class WslUsbEnumerationAnswer(Packet):
    """The shared devices. The request is a header alone."""

    name = "wslusb enumeration answer"
    fields_desc = [
        FieldLenField("count", None, fmt="<H", count_of="devices"),
        PacketListField("devices", [], WslUsbDevice, count_from=lambda packet: packet.count, max_count=limits.DEVICES),
    ]

    def mysummary(self) -> str:
        """One line."""
        return self.sprintf("enumeration: %count% devices")


class WslUsbAttach(Packet):
    """Ask for a device."""

    name = "wslusb attach"
    fields_desc = [*text("busid"), LEIntField("generation", 0)]

    def mysummary(self) -> str:
        """One line."""
        return self.sprintf("attach %busid%")


class WslUsbBlob(Part):
    """One raw configuration descriptor of an attach answer."""

    name = "wslusb blob"
    fields_desc = blob("data")


class WslUsbAttachAnswer(Packet):
    """What came of an attach; with status 0, the device and its descriptors."""

    name = "wslusb attach answer"
    fields_desc = [
        LEIntEnumField("status", Status.OK, names(Status)),
        *text("message"),
        *when(
            lambda packet: packet.status == Status.OK,
            [
                LEIntField("handle", 1),
                LEIntField("urbs", limits.DEVICE_URBS),
                LEIntField("size", limits.DEVICE_BYTES),
                PacketField("device", WslUsbDevice(), WslUsbDevice),
                FieldLenField("count", None, fmt="<H", count_of="configurations"),
                PacketListField(
                    "configurations", [], WslUsbBlob,
                    count_from=lambda packet: packet.count, max_count=limits.CONFIGURATIONS,
                ),
                *blob("bos"),
            ],
        ),
    ]  # fmt: skip

    def mysummary(self) -> str:
        """One line."""
        return self.sprintf("attach answer %status% %message%")


class WslUsbStatusAnswer(Packet):
    """The answer to a detach or a reset."""

    name = "wslusb status answer"
    fields_desc = [LEIntEnumField("status", Status.OK, names(Status)), *text("message")]

    def mysummary(self) -> str:
        """One line."""
        return self.sprintf("answer %status% %message%")


class WslUsbNode(Part):
    """A device node of an event."""

    name = "wslusb node"
    fields_desc = text("node")


class WslUsbEvent(Packet):
    """Something happened to a device, or is wanted of it."""

    name = "wslusb event"
    fields_desc = [
        ByteEnumField("kind", EventKind.ARRIVED, names(EventKind)),
        *text("busid"),
        LEIntField("ticket", 0),
        LEIntField("generation", 0),
        *text("message"),
        FieldLenField("count", None, fmt="<H", count_of="nodes"),
        PacketListField("nodes", [], WslUsbNode, count_from=lambda packet: packet.count, max_count=limits.NODES),
    ]

    def mysummary(self) -> str:
        """One line."""
        return self.sprintf("event %kind% %busid%")


class WslUsbError(Packet):
    """Why the connection ends."""

    name = "wslusb error"
    fields_desc = [LEIntEnumField("reason", PeerReason.MALFORMED, names(PeerReason)), *text("message")]

    def mysummary(self) -> str:
        """One line."""
        return self.sprintf("error %reason%: %message%")
