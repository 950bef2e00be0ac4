"""The binary object store: what a device can do beyond its descriptors, as capabilities (USB 3.2, 9.6.2)."""

from __future__ import annotations

import enum
import struct
import uuid

from ..errors import LocalError, LocalReason
from .descriptors import split
from .ids import DescriptorType
from .urb import Buffer

__all__ = [
    "CapabilityType", "bos", "container_id", "ms_os_20_platform", "platform", "split_bos", "superspeed",
    "usb_2_0_extension",
]  # fmt: skip

_HEADER = struct.Struct("<BBHB")
_MS_OS_20 = uuid.UUID("d8dd60df-4589-4cc7-9cd2-659d9e648a9f")
_WINDOWS_8_1 = 0x06030000


class CapabilityType(enum.IntEnum):
    """bDevCapabilityType (USB 3.2, table 9-14)."""

    WIRELESS = 1
    USB_2_0_EXTENSION = 2
    SUPERSPEED = 3
    CONTAINER_ID = 4
    PLATFORM = 5


def bos(*capabilities: bytes) -> bytes:
    """The store with its header, of capabilities that the functions below make."""
    body = b"".join(capabilities)
    return _HEADER.pack(_HEADER.size, DescriptorType.BOS, _HEADER.size + len(body), len(capabilities)) + body


def split_bos(data: Buffer) -> list[bytes]:
    """The capabilities of a store; none of an empty one. LocalError where lengths, types or the count are wrong."""
    if not data:
        return []
    pieces = list(split(data))
    head, capabilities = pieces[0], pieces[1:]
    if len(head) != _HEADER.size or head[1] != DescriptorType.BOS:
        raise _bad(f"a store starts with 5 bytes of type 15, not {head[:5].hex(' ')}")
    _, _, total, count = _HEADER.unpack(head)
    if total != len(data) or count != len(capabilities):
        raise _bad(f"it says {count} capabilities in {total} bytes, and has {len(capabilities)} in {len(data)}")
    for each in capabilities:
        if len(each) < 3 or each[1] != DescriptorType.DEVICE_CAPABILITY:
            raise _bad(f"{each[:4].hex(' ')} is no device capability")
    return capabilities


def _bad(message: str) -> LocalError:
    return LocalError(LocalReason.BAD_DESCRIPTOR, message)


def _capability(kind: int, body: bytes) -> bytes:
    return bytes((len(body) + 3, DescriptorType.DEVICE_CAPABILITY, kind)) + body


def usb_2_0_extension(attributes: int = 0x02) -> bytes:
    """USB 3.2, 9.6.2.1. Bit 1 of ``attributes``: link power management."""
    return _capability(CapabilityType.USB_2_0_EXTENSION, struct.pack("<I", attributes))


def superspeed(
    *, speeds: int = 0x0E, lowest: int = 1, u1_exit: int = 10, u2_exit: int = 0x01FF, ltm: bool = False
) -> bytes:
    """USB 3.2, 9.6.2.2. ``speeds``: bits of low, full, high and Gen 1 speed, ``lowest``: the least that is of use.

    ``u1_exit`` and ``u2_exit`` are latencies in microseconds, at most 10 and 2047; ``ltm``: tells its tolerance.
    """
    return _capability(CapabilityType.SUPERSPEED, struct.pack("<BHBBH", ltm << 1, speeds, lowest, u1_exit, u2_exit))


def container_id(identity: uuid.UUID) -> bytes:
    """USB 3.2, 9.6.2.3: the same number in all functions that are one box."""
    return _capability(CapabilityType.CONTAINER_ID, b"\0" + identity.bytes_le)


def platform(identity: uuid.UUID, data: bytes) -> bytes:
    """USB 3.2, 9.6.2.4: what a platform with that number knows the meaning of."""
    return _capability(CapabilityType.PLATFORM, b"\0" + identity.bytes_le + data)


def ms_os_20_platform(set_length: int, vendor_code: int) -> bytes:
    """Says to Windows 8.1 and later that vendor request ``vendor_code`` answers its descriptors, ``set_length`` bytes.

    Microsoft OS 2.0 Descriptors Specification, table 4.
    """
    return platform(_MS_OS_20, struct.pack("<IHBB", _WINDOWS_8_1, set_length, vendor_code, 0))
