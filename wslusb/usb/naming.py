"""What a user may call a device: its busid, VID:PID, serial number or instance id."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..errors import LocalError, LocalReason
from .info import DeviceInfo

__all__ = ["find", "matches"]

_HARDWARE_ID = re.compile(r"([0-9a-fA-F]{4}):([0-9a-fA-F]{4})")


def matches(info: DeviceInfo, name: str) -> bool:
    """Whether ``name`` names this device. Case counts only in serial numbers."""
    if _HARDWARE_ID.fullmatch(name):
        return info.hardware_id == name.lower()
    if name in (info.busid, info.serial):
        return True
    return info.instance_id.upper() == name.upper()


def find(devices: Iterable[DeviceInfo], name: str) -> DeviceInfo:
    """The one device that ``name`` names. LocalError NOT_FOUND, or AMBIGUOUS with a list of all that match."""
    found = [info for info in devices if name and matches(info, name)]
    # A busid is never ambiguous, even where it happens to be another device's serial.
    found = [info for info in found if info.busid == name] or found
    if not found:
        raise LocalError(LocalReason.NOT_FOUND, f"no device is called {name!r}", hint="run 'wslusb list' to see them")
    if len(found) > 1:
        lines = "; ".join(
            f"{info.busid or 'unplugged'} ({info.hardware_id} {info.serial or info.port_path})" for info in found
        )
        raise LocalError(
            LocalReason.AMBIGUOUS,
            f"{name!r} fits {len(found)} devices: {lines}",
            hint="name one of them by its busid, or its instance id",
        )
    return found[0]
