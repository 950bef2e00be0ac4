"""What the HID class adds to an interface's descriptors (HID 1.11, 6.2.1)."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from .ids import DescriptorType

__all__ = ["REPORT", "report_length"]

REPORT = 0x22
"""Type of a report descriptor."""


def report_length(extra: Iterable[bytes]) -> int:
    """How long the report descriptor of an interface with these descriptors is, in bytes. 0 if there is none.

    After bNumDescriptors, there are a type and a length for each descriptor.
    """
    for raw in extra:
        if raw[1] == DescriptorType.HID and len(raw) >= 9:
            pairs = struct.iter_unpack("<BH", raw[6 : 6 + (len(raw) - 6) // 3 * 3])
            return next((int(length) for kind, length in pairs if kind == REPORT), 0)
    return 0
