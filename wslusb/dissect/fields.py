"""Fields that several layers share, and the base of packets that lie in lists."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any

from scapy.fields import ConditionalField, Field, FieldLenField, StrLenField, _FieldContainer
from scapy.packet import Packet

__all__ = ["AnyField", "Part", "blob", "names", "text", "when"]

AnyField = Field[Any, Any] | _FieldContainer


class Part(Packet):
    """A packet inside a packet: what follows it belongs to the one around it."""

    def extract_padding(self, s: bytes) -> tuple[bytes, bytes | None]:
        """Nothing is this packet's payload."""
        return b"", s


def names(numbers: type[enum.IntEnum]) -> dict[int, str]:
    """An enumeration as Scapy wants it."""
    return {member.value: member.name for member in numbers}


def _sized(name: str, layout: str) -> list[AnyField]:
    size = f"{name}_size"
    return [
        FieldLenField(size, None, fmt=layout, length_of=name),
        StrLenField(name, b"", length_from=lambda packet: packet.getfieldval(size)),
    ]


def text(name: str) -> list[AnyField]:
    """A string of the protocol: a u16 size and that much UTF-8."""
    return _sized(name, "<H")


def blob(name: str) -> list[AnyField]:
    """Bytes with a u32 size."""
    return _sized(name, "<I")


def when(condition: Callable[[Packet], bool], fields: list[AnyField]) -> list[AnyField]:
    """``fields`` where ``condition`` holds."""
    return [ConditionalField(field, condition) for field in fields]
