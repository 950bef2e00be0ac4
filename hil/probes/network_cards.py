"""What a kernel says of a network card: its address, its largest frame, whether its cable is plugged in."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

__all__ = ["run"]

_SETTLE_SECONDS = 10.0
_UP = 0x1


def run(interface: str, changes: int = 0) -> dict[str, Any]:
    """``address``, ``mtu``, ``driver``, and after each of so many times down and up again, ``carriers``."""
    folder = Path("/sys/class/net") / interface
    told = {
        "address": _read(folder / "address"), "mtu": int(_read(folder / "mtu")),
        "driver": (folder / "device/driver").resolve().name,
    }  # fmt: skip
    flags = int(_read(folder / "flags"), 16)
    carriers = []
    for _ in range(changes):
        _set(folder, flags & ~_UP)
        _set(folder, flags | _UP)
        carriers.append(_carrier(folder))
    if changes:
        _set(folder, flags)
    return {**told, "carriers": carriers}


def _set(folder: Path, flags: int) -> None:
    (folder / "flags").write_text(f"{flags:#x}", encoding="ascii")


def _carrier(folder: Path) -> bool:
    """Whether there is one; a link takes its time to come up."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    while time.monotonic() < deadline:
        if _read(folder / "carrier") == "1":
            return True
        time.sleep(0.05)
    return False


def _read(path: Path) -> str:
    return path.read_text(encoding="ascii").strip()
