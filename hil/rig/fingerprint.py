"""A device's descriptors in one number: whether it is still what it was when the rig file was written.

A firmware update, a device in its boot loader and a counterfeit of the same VID:PID all change it; another port and
another copy of the same device do not.
"""

from __future__ import annotations

import hashlib
import re
import struct

from wslusb.usb.info import DeviceInfo

__all__ = ["PATTERN", "of"]

PATTERN = re.compile(r"sha256:[0-9a-f]{64}")


def of(info: DeviceInfo) -> str:
    """``sha256:`` and 64 digits, of the device descriptor, all configurations and the BOS.

    Strings are not in it, and so no serial number; nor is where the device is. bMaxPacketSize0, bcdUSB and the
    configurations differ between speeds: a device that comes up slower than it was has another fingerprint.
    """
    digest = hashlib.sha256()
    for part in (info.device_descriptor, *info.configurations, info.bos):
        digest.update(struct.pack("<I", len(part)) + part)
    return f"sha256:{digest.hexdigest()}"
