"""Rules of an endpoint and of its SuperSpeed companion."""

from __future__ import annotations

from dataclasses import dataclass

from wslusb.usb.descriptors import Endpoint
from wslusb.usb.descriptors_extra import Companion
from wslusb.usb.ids import DescriptorType, Speed, TransferType

from ..frames import max_payload
from .rule import Rule, any_of

__all__ = ["ENDPOINT_RULES", "EndpointAt"]


@dataclass(slots=True, frozen=True)
class EndpointAt:
    """An endpoint, and the speed of its device."""

    speed: Speed
    endpoint: Endpoint

    @property
    def kind(self) -> TransferType:
        """Its transfer type."""
        return self.endpoint.transfer

    @property
    def size(self) -> int:
        """Bytes of a packet: wMaxPacketSize without its upper bits."""
        return self.endpoint.packet_size

    @property
    def periodic(self) -> bool:
        """Interrupt or isochronous."""
        return self.kind in (TransferType.INTERRUPT, TransferType.ISOCHRONOUS)

    @property
    def reserves(self) -> bool:
        """Whether it is isochronous and asks for bandwidth."""
        return self.kind == TransferType.ISOCHRONOUS and self.size > 0

    @property
    def bytes_a_frame(self) -> int:
        """What it may use of each (micro)frame, on average."""
        if not self.periodic:
            return 0
        interval = self.endpoint.interval
        linear = self.kind == TransferType.INTERRUPT and self.speed < Speed.HIGH
        return max_payload(self.endpoint, self.speed) // max(1, interval if linear else 1 << min(interval, 16) >> 1)

    @property
    def companion(self) -> Companion | None:
        """The SuperSpeed companion that follows it."""
        return Companion.find(self.endpoint.extra)


_SIZES = {
    (Speed.FULL, TransferType.BULK): (8, 16, 32, 64), (Speed.HIGH, TransferType.BULK): (512,),
    (Speed.SUPER, TransferType.BULK): (1024,),
}  # fmt: skip
_LARGEST = {
    (Speed.LOW, TransferType.INTERRUPT): 8, (Speed.FULL, TransferType.INTERRUPT): 64,
    (Speed.FULL, TransferType.ISOCHRONOUS): 1023,
}  # fmt: skip
_ANY_LARGEST = 1024
_MULTIPLE_SIZES = {0: (0, 1024), 1: (513, 1024), 2: (683, 1024)}
"""Packet sizes for so many additional transactions a microframe (USB 2.0, table 9-14)."""


def _size(at: EndpointAt) -> str | None:
    key = (min(at.speed, Speed.SUPER), at.kind)
    if key in _SIZES:
        sizes = _SIZES[key]
        return None if at.size in sizes else f"is {at.size}; a {_called(at)} endpoint has {any_of(sizes)}"
    largest = _LARGEST.get(key, _ANY_LARGEST)
    return None if at.size <= largest else f"is {at.size}; a {_called(at)} endpoint has at most {largest}"


def _called(at: EndpointAt) -> str:
    return f"{at.speed.name.lower()}-speed {at.kind.name.lower()}"


def _upper_bits(at: EndpointAt) -> str | None:
    size, extra = at.endpoint.max_packet_size, at.endpoint.max_packet_size >> 11
    if not extra:
        return None
    if at.speed != Speed.HIGH or not at.periodic:
        return f"is {size:#06x}; bits 15 to 11 of a {_called(at)} endpoint are 0"
    least, most = _MULTIPLE_SIZES.get(extra, (1, 0))
    if least <= at.size <= most:
        return None
    return f"is {size:#06x}; with {extra} more transactions a microframe a packet has {least} to {most} bytes"


def _interval(at: EndpointAt) -> str | None:
    if not at.periodic:
        return None
    low, high = 1, 16
    if at.kind == TransferType.INTERRUPT and at.speed < Speed.HIGH:
        low, high = (10 if at.speed == Speed.LOW else 1), 255
    value = at.endpoint.interval
    return None if low <= value <= high else f"is {value}; a {_called(at)} endpoint has {low} to {high}"


def _attributes(at: EndpointAt) -> str | None:
    value = at.endpoint.attributes
    allowed = 0x03
    if at.kind == TransferType.ISOCHRONOUS:
        allowed = 0x3F
    elif at.kind == TransferType.INTERRUPT and at.speed >= Speed.SUPER:
        allowed = 0x33
    if value & ~allowed:
        return f"is {value:#04x}; only the bits {allowed:#04x} of a {_called(at)} endpoint are used"
    return "has the reserved usage type 3" if value & 0x30 == 0x30 else None


def _missing_companion(at: EndpointAt) -> str | None:
    kinds = [each[1] for each in at.endpoint.extra]
    companions = kinds.count(DescriptorType.SS_ENDPOINT_COMPANION)
    if at.speed < Speed.SUPER:
        return f"is there at {at.speed.name} speed" if companions else None
    if companions != 1 or kinds[0] != DescriptorType.SS_ENDPOINT_COMPANION:
        return f"is there {companions} times; each SuperSpeed endpoint has one right behind it"
    return None if at.companion else "is shorter than its 6 bytes"


def _burst(at: EndpointAt) -> str | None:
    it = at.companion
    if it is None:
        return None
    if it.burst > 15:
        return f"is {it.burst}; a burst has at most 16 packets, which is 15"
    if it.burst and at.kind in (TransferType.INTERRUPT, TransferType.ISOCHRONOUS) and at.size != _ANY_LARGEST:
        return f"is {it.burst}; bursts are for packets of 1024 bytes"
    return None


def _companion_attributes(at: EndpointAt) -> str | None:
    it = at.companion
    if it is None:
        return None
    if at.kind == TransferType.ISOCHRONOUS:
        most = 2 if it.burst else 0
        return None if it.attributes & 0x7F <= most else f"is {it.attributes:#04x}; Mult is 0 to {most} here"
    most = 16 if at.kind == TransferType.BULK else 0
    return None if it.attributes <= most else f"is {it.attributes:#04x}; 0 to {most} for a {_called(at)} endpoint"


def _bytes_per_interval(at: EndpointAt) -> str | None:
    it = at.companion
    if it is None:
        return None
    most = max_payload(at.endpoint, at.speed) if at.periodic else 0
    return None if it.bytes_per_interval <= most else f"is {it.bytes_per_interval}; at most {most} fit"


ENDPOINT_RULES: tuple[Rule[EndpointAt], ...] = (
    Rule("bEndpointAddress", "USB 2.0, 9.6.6", lambda at: (
        None if at.endpoint.address & 0x0F and not at.endpoint.address & 0x70
        else f"is {at.endpoint.address:#04x}; numbers are 1 to 15, and bits 6 to 4 are 0")),
    Rule("bmAttributes", "USB 2.0, 9.6.6; USB 3.2, 9.6.6", _attributes),
    Rule("bmAttributes", "USB 2.0, 5.6.3 and 5.8.3", lambda at: (
        f"says {at.kind.name.lower()}; a low-speed device has interrupt endpoints alone"
        if at.speed == Speed.LOW and at.kind != TransferType.INTERRUPT else None)),
    Rule("bmAttributes", "USB 2.0, 5.5", lambda at: (
        "says control; hosts drive the one of endpoint 0 alone" if at.kind == TransferType.CONTROL else None),
        strict=False),
    Rule("wMaxPacketSize", "USB 2.0, 5.6.3, 5.7.3 and 5.8.3; USB 3.2, 9.6.6", _size),
    Rule("wMaxPacketSize", "USB 2.0, 9.6.6", _upper_bits),
    Rule("bInterval", "USB 2.0, 5.6.4, 5.7.4 and 9.6.6; USB 3.2, 9.6.6", _interval),
    Rule("SuperSpeed companion", "USB 3.2, 9.6.7", _missing_companion),
    Rule("bMaxBurst", "USB 3.2, 9.6.6 and 9.6.7", _burst),
    Rule("bmAttributes of the companion", "USB 3.2, 9.6.7", _companion_attributes),
    Rule("wBytesPerInterval", "USB 3.2, 9.6.7", _bytes_per_interval),
)  # fmt: skip
