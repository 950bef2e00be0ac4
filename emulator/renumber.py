"""Descriptors of a device as those of a function of a composite device: other interface, endpoint and string numbers.

Standard descriptors say where their numbers are; of class-specific ones that has to be known, and :data:`_FIELDS` knows
it of those that drivers go by. Positions are byte offsets in the descriptor, bLength included.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from wslusb.usb.descriptors import Endpoint, Interface
from wslusb.usb.ids import ClassCode, TransferType

__all__ = ["Numbers"]

_CS_INTERFACE = 0x24
_SYNCH_ADDRESS = 1


@dataclass(slots=True, frozen=True)
class _Fields:
    """Where a descriptor has numbers; ``interfaces_from`` is the start of a list that goes to the end."""

    interfaces: tuple[int, ...] = ()
    interfaces_from: int | None = None
    endpoints: tuple[int, ...] = ()
    strings: tuple[int, ...] = ()


_FIELDS = {
    # Class, subclass (None: any), protocol (None: any), bDescriptorSubtype.
    (ClassCode.COMMUNICATIONS, None, None, 0x01): _Fields(interfaces=(4,)),  # call management
    (ClassCode.COMMUNICATIONS, None, None, 0x06): _Fields(interfaces_from=3),  # union
    (ClassCode.COMMUNICATIONS, None, None, 0x07): _Fields(strings=(3,)),  # country selection
    (ClassCode.COMMUNICATIONS, None, None, 0x0F): _Fields(strings=(3,)),  # Ethernet networking: the MAC
    (ClassCode.AUDIO, 1, 0x00, 0x01): _Fields(interfaces_from=8),  # Audio 1.0, header of the control interface
    (ClassCode.VIDEO, 1, None, 0x01): _Fields(interfaces_from=12),  # header of the control interface
    (ClassCode.VIDEO, 2, None, 0x01): _Fields(endpoints=(6,)),  # input header of a streaming interface
    (ClassCode.VIDEO, 2, None, 0x02): _Fields(endpoints=(6,)),  # output header
}


@dataclass(slots=True)
class Numbers:
    """Which numbers a function has: ``endpoints`` by those that its own description gives them."""

    first_interface: int = 0
    first_string: int = 0
    endpoints: Mapping[int, int] = field(default_factory=dict)

    def string(self, index: int) -> int:
        """A string index; 0 stays 0."""
        return index and self.first_string + index

    def interface(self, interface: Interface) -> Interface:
        """An interface with all that belongs to it."""
        association = interface.association
        if association is not None:
            first, string = self.first_interface + association.first, self.string(association.string)
            association = dataclasses.replace(association, first=first, string=string)
        return dataclasses.replace(
            interface, number=self.first_interface + interface.number, string=self.string(interface.string),
            association=association,
            extra=[self.descriptor(each, interface) for each in interface.extra],
            endpoints=[self._endpoint(each, interface) for each in interface.endpoints],
        )  # fmt: skip

    def _endpoint(self, endpoint: Endpoint, interface: Interface) -> Endpoint:
        tail = bytearray(endpoint.tail)
        if endpoint.transfer == TransferType.ISOCHRONOUS and len(tail) > _SYNCH_ADDRESS and tail[_SYNCH_ADDRESS]:
            tail[_SYNCH_ADDRESS] = self.endpoints[tail[_SYNCH_ADDRESS]]
        return dataclasses.replace(
            endpoint, address=self.endpoints[endpoint.address], tail=bytes(tail),
            extra=[self.descriptor(each, interface) for each in endpoint.extra],
        )  # fmt: skip

    def descriptor(self, raw: bytes, interface: Interface) -> bytes:
        """A descriptor that is kept as bytes, of that interface or of one of its endpoints."""
        changed = bytearray(raw)
        for fields in _fields_of(raw, interface):
            last = len(raw) if fields.interfaces_from is not None else 0
            for at in (*fields.interfaces, *range(fields.interfaces_from or 0, last)):
                changed[at] += self.first_interface
            for at in fields.endpoints:
                changed[at] = self.endpoints.get(changed[at], changed[at])
            for at in fields.strings:
                changed[at] = self.string(changed[at])
        return bytes(changed)


def _fields_of(raw: bytes, interface: Interface) -> Iterator[_Fields]:
    if raw[1] != _CS_INTERFACE or len(raw) < 3:
        return
    for (kind, subclass, protocol, subtype), fields in _FIELDS.items():
        known = (kind, subtype) == (interface.interface_class, raw[2])
        if known and subclass in (None, interface.subclass) and protocol in (None, interface.protocol):
            yield fields
