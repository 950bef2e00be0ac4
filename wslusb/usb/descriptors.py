"""Descriptors, bytes <-> dataclasses, byte for byte (USB 2.0, 9.6).

A configuration is read as a tree: interfaces (one entry an alternate setting) with their endpoints. Descriptors that
have no class here (class-specific, companion, an interface association that no interface follows) are kept as raw bytes
in ``extra`` of the element that they follow, so that packing gives back exactly what was read.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ..errors import LocalError, LocalReason
from .descriptors_extra import InterfaceAssociation
from .ids import DescriptorType, TransferType
from .urb import Buffer

__all__ = ["Configuration", "DeviceDescriptor", "Endpoint", "Interface", "split"]

_DEVICE = struct.Struct("<BBHBBBBHHHBBBB")
_CONFIGURATION = struct.Struct("<BBHBBBBB")
_INTERFACE = struct.Struct("<BBBBBBBBB")
_ENDPOINT = struct.Struct("<BBBBHB")


def _bad(message: str) -> LocalError:
    return LocalError(LocalReason.BAD_DESCRIPTOR, message)


def split(data: Buffer) -> Iterator[bytes]:
    """Cut a run of descriptors at each bLength. LocalError where one is under 2 bytes or longer than what is left."""
    view, offset = memoryview(data), 0
    while offset < len(view):
        length = view[offset]
        if length < 2 or offset + length > len(view):
            raise _bad(
                f"bLength {length} at byte {offset} of {len(view)}: a descriptor has at least 2 bytes and must fit"
            )
        yield bytes(view[offset : offset + length])
        offset += length


@dataclass(slots=True)
class DeviceDescriptor:
    """USB 2.0, table 9-8. String fields are string indices, 0 for none."""

    vendor: int
    product: int
    bcd_usb: int = 0x0200
    device_class: int = 0
    subclass: int = 0
    protocol: int = 0
    max_packet_size0: int = 64
    bcd_device: int = 0x0100
    manufacturer: int = 0
    product_string: int = 0
    serial: int = 0
    configuration_count: int = 1
    tail: bytes = b""
    """What a descriptor with a greater bLength has beyond the 18 bytes."""

    SIZE = _DEVICE.size

    @classmethod
    def unpack(cls, data: Buffer) -> DeviceDescriptor:
        """Read a device descriptor: 18 bytes, and more where bLength says so and they are there."""
        if len(data) < _DEVICE.size:
            raise _bad(f"a device descriptor has {_DEVICE.size} bytes, got {len(data)}")
        (length, kind, bcd_usb, cls_, sub, proto, mps0, vid, pid, bcd, man, prod, ser, count) = _DEVICE.unpack_from(
            data
        )
        if kind != DescriptorType.DEVICE or length < _DEVICE.size:
            raise _bad(f"not a device descriptor: bLength {length}, bDescriptorType {kind}")
        tail = bytes(data[_DEVICE.size : length])
        return cls(vid, pid, bcd_usb, cls_, sub, proto, mps0, bcd, man, prod, ser, count, tail)

    def pack(self) -> bytes:
        """The 18 bytes, and the tail."""
        head = _DEVICE.pack(
            _DEVICE.size + len(self.tail), DescriptorType.DEVICE, self.bcd_usb, self.device_class,
            self.subclass, self.protocol, self.max_packet_size0, self.vendor, self.product, self.bcd_device,
            self.manufacturer, self.product_string, self.serial, self.configuration_count,
        )  # fmt: skip
        return head + self.tail


@dataclass(slots=True)
class Endpoint:
    """USB 2.0, table 9-13. ``tail`` has what audio endpoints add after bInterval (bRefresh, bSynchAddress).

    ``max_packet_size`` is wMaxPacketSize with all its bits.
    """

    address: int
    attributes: int
    max_packet_size: int
    interval: int = 0
    tail: bytes = b""
    extra: list[bytes] = field(default_factory=list)

    @property
    def transfer(self) -> TransferType:
        """Bits 1..0 of bmAttributes."""
        return TransferType(self.attributes & 3)

    @property
    def packet_size(self) -> int:
        """The most bytes of a packet: bits 10..0 of wMaxPacketSize (USB 2.0, 9.6.6)."""
        return self.max_packet_size & 0x7FF

    @property
    def transactions(self) -> int:
        """The most transactions of a microframe: 1, and what bits 12..11 of wMaxPacketSize add to it (USB 2.0, 9.6.6).

        They mean that at high speed, for periodic endpoints; elsewhere they are 0. 4 is a reserved value.
        """
        return 1 + (self.max_packet_size >> 11 & 3)

    def pack(self) -> bytes:
        """The descriptor and what follows it."""
        size = _ENDPOINT.size + len(self.tail)
        kind = DescriptorType.ENDPOINT
        head = _ENDPOINT.pack(size, kind, self.address, self.attributes, self.max_packet_size, self.interval)
        return b"".join((head, self.tail, *self.extra))


@dataclass(slots=True)
class Interface:
    """One alternate setting of an interface (USB 2.0, table 9-12)."""

    number: int
    alternate: int = 0
    interface_class: int = 0xFF
    subclass: int = 0
    protocol: int = 0
    string: int = 0
    endpoints: list[Endpoint] = field(default_factory=list)
    tail: bytes = b""
    extra: list[bytes] = field(default_factory=list)
    endpoint_count: int | None = None
    """bNumEndpoints as it was read; None, and when packing an interface that was built here: as many as there are."""
    association: InterfaceAssociation | None = None
    """The interface association that stands right before this."""

    def pack(self) -> bytes:
        """The association, the descriptor, its class-specific ones and its endpoints."""
        before = self.association.pack() if self.association else b""
        count = len(self.endpoints) if self.endpoint_count is None else self.endpoint_count
        head = _INTERFACE.pack(
            _INTERFACE.size + len(self.tail), DescriptorType.INTERFACE, self.number, self.alternate, count,
            self.interface_class, self.subclass, self.protocol, self.string,
        )  # fmt: skip
        return b"".join((before, head, self.tail, *self.extra, *(endpoint.pack() for endpoint in self.endpoints)))


@dataclass(slots=True)
class Configuration:
    """A configuration descriptor and all that follows it (USB 2.0, table 9-10). ``max_power`` is in units of 2 mA."""

    value: int
    interfaces: list[Interface] = field(default_factory=list)
    attributes: int = 0x80
    max_power: int = 50
    string: int = 0
    tail: bytes = b""
    extra: list[bytes] = field(default_factory=list)
    total_length: int | None = None
    """wTotalLength as it was read; None: computed."""
    interface_count: int | None = None
    """bNumInterfaces as it was read; None: counted."""
    rest: bytes = b""
    """What follows the last descriptor and is none."""

    @classmethod
    def unpack(cls, data: Buffer, *, keep_rest: bool = False) -> Configuration:
        """Read a configuration. Wrong counts and totals are kept as they are.

        Where descriptors stop to follow each other is a LocalError, or with ``keep_rest`` the start of ``rest``.
        """
        whole = _cut_length(data) if keep_rest else len(data)
        pieces = split(data[:whole])
        head = next(pieces, b"")
        if len(head) < _CONFIGURATION.size or head[1] != DescriptorType.CONFIGURATION:
            raise _bad("a configuration starts with a configuration descriptor of at least 9 bytes")
        _, _, total, count, value, string, attributes, power = _CONFIGURATION.unpack_from(head)
        tail, rest = head[_CONFIGURATION.size :], bytes(data[whole:])
        self = cls(value, [], attributes, power, string, tail, [], total, count, rest)
        extra = self.extra
        for piece in pieces:
            if piece[1] == DescriptorType.INTERFACE and len(piece) >= _INTERFACE.size:
                association = _association(extra)
                extra = self._add_interface(piece)
                self.interfaces[-1].association = association
            elif piece[1] == DescriptorType.ENDPOINT and len(piece) >= _ENDPOINT.size and self.interfaces:
                extra = self._add_endpoint(piece)
            else:
                extra.append(piece)
        return self

    @classmethod
    def readable(cls, configurations: Iterable[Buffer]) -> list[Configuration]:
        """Those that can be read, with their ``rest``: a device may have any bytes there."""
        found = []
        for data in configurations:
            with contextlib.suppress(LocalError):
                found.append(cls.unpack(data, keep_rest=True))
        return found

    def _add_interface(self, piece: bytes) -> list[bytes]:
        _, _, number, alternate, endpoints, cls_, sub, protocol, string = _INTERFACE.unpack_from(piece)
        tail = piece[_INTERFACE.size :]
        self.interfaces.append(Interface(number, alternate, cls_, sub, protocol, string, [], tail, [], endpoints))
        return self.interfaces[-1].extra

    def _add_endpoint(self, piece: bytes) -> list[bytes]:
        _, _, address, attributes, max_packet_size, interval = _ENDPOINT.unpack_from(piece)
        endpoint = Endpoint(address, attributes, max_packet_size, interval, piece[_ENDPOINT.size :])
        self.interfaces[-1].endpoints.append(endpoint)
        return endpoint.extra

    def pack(self) -> bytes:
        """The bytes that GET_DESCRIPTOR(CONFIGURATION) answers, counts and totals computed where they were not read."""
        body = b"".join((*self.extra, *(interface.pack() for interface in self.interfaces), self.rest))
        size = _CONFIGURATION.size + len(self.tail)
        numbers = {interface.number for interface in self.interfaces}
        total = size + len(body) if self.total_length is None else self.total_length
        count = len(numbers) if self.interface_count is None else self.interface_count
        kind = DescriptorType.CONFIGURATION
        head = _CONFIGURATION.pack(size, kind, total, count, self.value, self.string, self.attributes, self.max_power)
        return head + self.tail + body


def _cut_length(data: Buffer) -> int:
    """How many bytes are descriptors that follow each other."""
    offset = 0
    while offset < len(data) and data[offset] >= 2 and offset + data[offset] <= len(data):
        offset += data[offset]
    return offset


def _association(extra: list[bytes]) -> InterfaceAssociation | None:
    """Take an association out of what comes before an interface, if it is the last there."""
    if not extra or extra[-1][1] != DescriptorType.INTERFACE_ASSOCIATION or len(extra[-1]) != 8:
        return None
    return InterfaceAssociation.unpack(extra.pop())
