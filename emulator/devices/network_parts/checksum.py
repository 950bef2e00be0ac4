"""The checksum of the Internet protocols (RFC 1071)."""

from __future__ import annotations

import struct

from wslusb.usb.urb import Buffer

__all__ = ["checksum"]


def checksum(data: Buffer) -> int:
    """Ones' complement of the sum of all 16-bit words. 0 over data that has its own checksum in it."""
    padded = bytes(data) + bytes(len(data) & 1)
    total = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return int(total ^ 0xFFFF)
