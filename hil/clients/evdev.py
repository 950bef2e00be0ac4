"""Events of Linux' input devices (linux/input.h, 64-bit machines)."""

from __future__ import annotations

import struct
from typing import BinaryIO

__all__ = ["EV_KEY", "EV_LED", "EVENT", "events"]

EVENT = struct.Struct("llHHi")
"""Seconds, microseconds, type, code, value."""
EV_KEY, EV_LED = 0x01, 0x11
_AT_ONCE = 16


def events(file: BinaryIO) -> list[tuple[int, int, int]]:
    """Type, code and value of those that are there now; waits for the first. ``file`` is without a buffer."""
    return [fields[2:] for fields in EVENT.iter_unpack(file.read(EVENT.size * _AT_ONCE))]
