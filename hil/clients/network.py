"""A network card as its kernel has it: the files of its interface in sysfs."""

from __future__ import annotations

import time
from pathlib import Path

__all__ = ["UP", "flags", "has_carrier", "read"]

UP = 0x1
"""IFF_UP (linux/if.h) among :func:`flags`."""
_CARRIER_SECONDS = 10.0
_POLL_SECONDS = 0.02


def read(interface: str, name: str) -> str:
    """What ``/sys/class/net/INTERFACE/NAME`` says. OSError if it does not."""
    return Path(f"/sys/class/net/{interface}/{name}").read_text(encoding="ascii").strip()


def flags(interface: str) -> int:
    """The flags of the interface."""
    return int(read(interface, "flags"), 16)


def has_carrier(interface: str) -> bool:
    """Whether its cable is plugged in; a link takes its time to come up, and gets ten seconds."""
    deadline = time.monotonic() + _CARRIER_SECONDS
    while time.monotonic() < deadline:
        if read(interface, "carrier") == "1":
            return True
        time.sleep(_POLL_SECONDS)
    return False
