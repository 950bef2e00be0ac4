"""What of a binary object store may be told (USB 3.2, 9.6.2): what is understood, and what names no box."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from ..errors import LocalError
from ..usb.bos import CapabilityType, split_bos
from .secrets import Secrets

__all__ = ["container_ids", "redacted_store", "serial_strings"]

_IDENTITY = slice(4, 20)
"""Where a container id and the number of a platform stand."""
_CONTAINER_SIZE, _HEADER_SIZE = 20, 5
_BATTERY_INFO, _BATTERY_SERIAL_AT = 0x07, 4
_HEAD = 3
_UNDERSTOOD = {
    CapabilityType.WIRELESS: 11, CapabilityType.USB_2_0_EXTENSION: 7, CapabilityType.SUPERSPEED: 10, 0x06: 20,
    _BATTERY_INFO: 24, 0x08: 17, 0x09: 255, 0x0A: 255, 0x0B: 3, 0x0C: 255, 0x0D: 255, 0x0F: 255, 0x10: 255,
}  # fmt: skip
"""Capabilities and how many bytes they have at most: power delivery, SuperSpeed Plus, billboards and the like."""
_PLATFORMS = {
    uuid.UUID("d8dd60df-4589-4cc7-9cd2-659d9e648a9f").bytes_le: 28,
    uuid.UUID("3408b638-09a9-47a0-8bfd-a0768815b665").bytes_le: 24,
}
"""Microsoft OS 2.0 and WebUSB: versions, lengths and numbers of requests."""


def container_ids(data: bytes) -> Iterator[bytes]:
    """The container ids in a store, which may be cut off."""
    for each in _capabilities(data):
        if each[2] == CapabilityType.CONTAINER_ID and len(each) >= _CONTAINER_SIZE:
            yield each[_IDENTITY]


def serial_strings(data: bytes) -> Iterator[int]:
    """The indices of strings that a store calls serial numbers: those of batteries (USB Power Delivery 3.1, 6.15)."""
    for each in _capabilities(data):
        if each[2] == _BATTERY_INFO and len(each) > _BATTERY_SERIAL_AT:
            yield each[_BATTERY_SERIAL_AT]


def redacted_store(data: bytes, secrets: Secrets) -> bytes:
    """As long as ``data``: of what is not understood, and of a store that is cut off, the headers alone."""
    capabilities = _capabilities(data)
    shown = b"".join(_shown(each, secrets) for each in capabilities)
    return (data[:_HEADER_SIZE] + shown).ljust(len(data), b"\0")[: len(data)]


def _capabilities(data: bytes) -> list[bytes]:
    try:
        return split_bos(data)
    except LocalError:
        return []


def _shown(capability: bytes, secrets: Secrets) -> bytes:
    kind, identity = capability[2], capability[_IDENTITY]
    if kind == CapabilityType.CONTAINER_ID and len(capability) == _CONTAINER_SIZE:
        return capability[: _IDENTITY.start] + secrets.bytes_token(identity)
    is_platform = kind == CapabilityType.PLATFORM
    most = _PLATFORMS.get(identity, _IDENTITY.stop) if is_platform else _UNDERSTOOD.get(kind, _HEAD)
    return capability[:most].ljust(len(capability), b"\0")
