"""Mutations that know what they change: a message becomes Scapy layers, and one thing in them becomes wrong.

What is chosen follows from the two numbers of a mutation alone, so that a case is the same each time. A message that
no layer fits stays as it is.
"""

from __future__ import annotations

import contextlib
import random
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from scapy.fields import ConditionalField, PacketField, PacketListField
from scapy.packet import NoPayload, Packet, Raw, fuzz

from wslusb.dissect import (
    MESSAGES,
    UsbIp,
    UsbIpCmdSubmit,
    UsbIpCmdUnlink,
    UsbIpOp,
    UsbIpReqImport,
    UsbIpRetSubmit,
    UsbIpRetUnlink,
    WslUsb,
)

__all__ = ["LAYERED", "changed"]

_NAMED = frozenset({"sequence", "handle", "seqnum", "target", "generation", "ticket", "token", "devid"})
"""Fields that name something which may be of another time, or nobody's."""
_COUNTS = frozenset({"size", "length", "packets", "count", "actual_length", "error_count", "wLength", "urbs"})
"""Fields that say how much there is. Those of strings and blobs end with ``_size``."""
_MOST_ENTRIES = 1100


@dataclass(slots=True, frozen=True)
class _Dialect:
    """A protocol as layers. ``number``: the header's field that counts; ``others``: what may stand in a message."""

    head: type[Packet]
    number: str
    others: tuple[tuple[int, type[Packet] | None], ...]
    kind: str

    def read(self, message: bytes) -> Packet | None:
        """A message as layers, None for what is no whole one."""
        with contextlib.suppress(Exception):  # whatever Scapy says of bytes that are none
            packet = self.head(message)
            if isinstance(packet, self.head) and bytes(packet) == message:
                packet.clear_cache()
                return packet
        return None


_OURS = _Dialect(
    WslUsb, "sequence", tuple((int(kind), layer) for kind, layers in MESSAGES.items() for layer in layers), "type"
)
_KERNELS = _Dialect(
    UsbIp, "seqnum", ((1, UsbIpCmdSubmit), (2, UsbIpCmdUnlink), (3, UsbIpRetSubmit), (4, UsbIpRetUnlink)), "code"
)


@dataclass(slots=True)
class _Place:
    """One field of one layer."""

    layer: Packet
    field: Any

    @property
    def name(self) -> str:
        return str(self.field.name)


def _places(packet: Packet) -> Iterator[_Place]:
    layer = packet
    while not isinstance(layer, NoPayload):
        for field in layer.fields_desc:
            bare = field.fld if isinstance(field, ConditionalField) else field
            value = layer.getfieldval(bare.name)
            if isinstance(bare, PacketListField):
                for each in value or ():
                    yield from _places(each)
            elif isinstance(bare, PacketField):
                yield from _places(value)
            elif value is not None:
                yield _Place(layer, bare)
        layer = layer.payload


def _other(place: _Place, value: int) -> Any:
    """A number near what is there, or an extreme; bytes that are too many, too few, or no text."""
    now = place.layer.getfieldval(place.name)
    if isinstance(now, bytes):
        choices: tuple[Any, ...] = (b"", now[:-1], now + b"\0", now * 2, b"\xff" * len(now), now + b"x" * 300, b"a\nb")
        return choices[value % len(choices)]
    # Fields have sizes in bytes; a signed one wraps as the bytes do.
    most = (1 << 8 * int(place.field.sz)) - 1
    now = int(now) & most
    numbers = (0, 1, now + 1, now - 1, now * 2, now // 2, now ^ 0x80, most, most - 1, most >> 1, (most >> 1) + 1)
    return numbers[value % len(numbers)] & most


def _put(place: _Place, number: Any) -> None:
    if isinstance(number, int) and "Signed" in type(place.field).__name__:
        half = 1 << 8 * int(place.field.sz) - 1
        number = (number ^ half) - half
    place.layer.setfieldval(place.name, number)


def _computed(packet: Packet) -> None:
    """Let everything that follows from other fields be computed again."""
    for place in list(_places(packet)):
        if place.field.default is None and place.name not in _NAMED:
            place.layer.setfieldval(place.name, None)


def _change(packet: Packet, wanted: Callable[[str], bool], offset: int, value: int) -> None:
    places = [place for place in _places(packet) if wanted(place.name)]
    if places:
        place = places[offset % len(places)]
        _put(place, _other(place, value))


def _is_count(name: str) -> bool:
    return name in _COUNTS or name.endswith("_size")


def _field(_dialect: _Dialect, packet: Packet, offset: int, value: int) -> Packet:
    """One field becomes another; sizes and counts stay as they were."""
    _change(packet, lambda _name: True, offset, value)
    return packet


def _sound(_dialect: _Dialect, packet: Packet, offset: int, value: int) -> Packet:
    """One field becomes another, and sizes and counts fit it."""
    _computed(packet)
    _change(packet, lambda name: not _is_count(name), offset, value)
    return packet


def _miscount(_dialect: _Dialect, packet: Packet, offset: int, value: int) -> Packet:
    """A length or a count is wrong."""
    _change(packet, _is_count, offset, value)
    return packet


def _stale(_dialect: _Dialect, packet: Packet, offset: int, value: int) -> Packet:
    """A number, handle, target, generation or token of another time."""
    _change(packet, _NAMED.__contains__, offset, value)
    return packet


def _entries(_dialect: _Dialect, packet: Packet, offset: int, value: int) -> Packet:
    """More, fewer or no entries in a table (isochronous packets, devices, nodes); an odd ``offset``: counted right."""
    lists = [
        (layer, field.name)
        for layer in _layers(packet)
        for field in layer.fields_desc
        if isinstance(field, PacketListField)
    ]
    if lists:
        layer, name = lists[offset // 2 % len(lists)]
        there = list(layer.getfieldval(name) or ())
        field: Any = layer.get_field(name)
        entry = there[0] if there else field.cls()
        many = (0, 1, len(there) + 1, max(len(there) - 1, 0), 1024, _MOST_ENTRIES)[value % 6]
        if offset & 1:
            _computed(packet)
        layer.setfieldval(name, (there + [entry] * many)[:many])
    return packet


def _layers(packet: Packet) -> Iterator[Packet]:
    while not isinstance(packet, NoPayload):
        yield packet
        packet = packet.payload


def _swap(dialect: _Dialect, packet: Packet, offset: int, value: int) -> Packet:
    """Another message in its place, under its number: of another state, or of the other direction."""
    if value % 16 == 0 and dialect is _KERNELS:
        return UsbIpOp() / UsbIpReqImport(busid=b"1-1")
    kind, layer = dialect.others[offset % len(dialect.others)]
    packet.setfieldval(dialect.kind, kind)
    packet.remove_payload()
    if layer is not None:
        packet.add_payload(layer())
    _computed(packet)
    return packet


def _random(_dialect: _Dialect, packet: Packet, _offset: int, value: int) -> Packet:
    """Scapy's fuzz() of the payload: random fields, with sizes that fit."""
    if not isinstance(packet.payload, NoPayload | Raw):
        layer = type(packet.payload)
        packet.remove_payload()
        packet.add_payload(fuzz(layer()))
    _computed(packet)
    return packet


LAYERED: dict[str, Callable[[_Dialect, Packet, int, int], Packet]] = {
    "field": _field, "sound": _sound, "miscount": _miscount, "stale": _stale, "entries": _entries, "swap": _swap,
    "random": _random,
}  # fmt: skip


def changed(name: str, message: bytes, offset: int, value: int, *, big: bool) -> bytes:
    """A message after one of :data:`LAYERED`. ``big``: it is USB/IP."""
    dialect = _KERNELS if big else _OURS
    packet = dialect.read(message)
    if packet is None:
        return message
    state = random.getstate()
    random.seed(value)
    try:
        packet = LAYERED[name](dialect, packet, offset, value)
        packet.clear_cache()
        return bytes(packet)
    except (struct.error, OverflowError, ValueError, TypeError):  # a value that Scapy cannot write
        return message
    finally:
        random.setstate(state)
