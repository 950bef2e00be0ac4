"""Descriptors that stand beside interfaces and endpoints: the interface association, and SuperSpeed's companion."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import LocalError, LocalReason
from .ids import DescriptorType
from .urb import Buffer

__all__ = ["Companion", "InterfaceAssociation", "class_specific"]

_ASSOCIATION = struct.Struct("<BBBBBBBB")
_COMPANION = struct.Struct("<BBBBH")


@dataclass(slots=True)
class InterfaceAssociation:
    """Interfaces that are one function (USB 3.2, 9.6.4; for USB 2.0 an engineering change notice).

    ``first`` and ``count`` are bFirstInterface and bInterfaceCount.
    """

    first: int
    count: int
    function_class: int
    subclass: int = 0
    protocol: int = 0
    string: int = 0

    @classmethod
    def unpack(cls, data: Buffer) -> InterfaceAssociation:
        """Read the 8 bytes; LocalError if they are something else."""
        if len(data) != _ASSOCIATION.size or (data[0], data[1]) != (8, DescriptorType.INTERFACE_ASSOCIATION):
            raise LocalError(LocalReason.BAD_DESCRIPTOR, f"not an interface association: {bytes(data[:8]).hex(' ')}")
        return cls(*_ASSOCIATION.unpack(data)[2:])

    def pack(self) -> bytes:
        """The 8 bytes."""
        return _ASSOCIATION.pack(
            _ASSOCIATION.size, DescriptorType.INTERFACE_ASSOCIATION, self.first, self.count, self.function_class,
            self.subclass, self.protocol, self.string,
        )  # fmt: skip


@dataclass(slots=True)
class Companion:
    """What a SuperSpeed endpoint adds (USB 3.2, 9.6.7); it follows its endpoint directly.

    ``burst`` is bMaxBurst (packets in a burst, less one). ``attributes``: MaxStreams of bulk as a power of two, Mult
    of isochronous (bursts, less one). ``bytes_per_interval``: of periodic endpoints.
    """

    burst: int = 0
    attributes: int = 0
    bytes_per_interval: int = 0

    @classmethod
    def find(cls, extra: Iterable[bytes]) -> Companion | None:
        """The first one among the descriptors that follow an endpoint."""
        kind = DescriptorType.SS_ENDPOINT_COMPANION
        raw = next((each for each in extra if each[1] == kind and len(each) >= _COMPANION.size), None)
        return None if raw is None else cls(*_COMPANION.unpack_from(raw)[2:])

    def pack(self) -> bytes:
        """The 6 bytes."""
        kind = DescriptorType.SS_ENDPOINT_COMPANION
        return _COMPANION.pack(_COMPANION.size, kind, self.burst, self.attributes, self.bytes_per_interval)


def class_specific(kind: int, body: Buffer) -> bytes:
    """A descriptor of type ``kind`` (0x21 HID, 0x24 class-specific interface, 0x25 endpoint, ...), bLength put before.

    LocalError if it does not fit into the 255 bytes that bLength can say.
    """
    if len(body) > 253:
        raise LocalError(LocalReason.BAD_DESCRIPTOR, f"a descriptor has at most 255 bytes, not {len(body) + 2}")
    return bytes((len(body) + 2, kind)) + bytes(body)
