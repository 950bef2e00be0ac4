"""What a kernel says of a network card: its address, its largest frame, whether its cable is plugged in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hil.clients import network

__all__ = ["run"]


def run(interface: str, changes: int = 0) -> dict[str, Any]:
    """``address``, ``mtu``, ``driver``, and after each of so many times down and up again, ``carriers``."""
    told = {
        "address": network.read(interface, "address"), "mtu": int(network.read(interface, "mtu")),
        "driver": Path(f"/sys/class/net/{interface}/device/driver").resolve().name,
    }  # fmt: skip
    flags = network.flags(interface)
    carriers = []
    for _ in range(changes):
        _set(interface, flags & ~network.UP)
        _set(interface, flags | network.UP)
        carriers.append(network.has_carrier(interface))
    if changes:
        _set(interface, flags)
    return {**told, "carriers": carriers}


def _set(interface: str, flags: int) -> None:
    Path(f"/sys/class/net/{interface}/flags").write_text(f"{flags:#x}", encoding="ascii")
