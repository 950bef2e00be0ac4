"""Where a kernel has a device: its nodes, once its drivers have made them."""

from __future__ import annotations

from pathlib import Path

from wslusb.guest.nodes import wait_usable

__all__ = ["run"]


def run(busid: str, seconds: float = 15.0) -> list[str] | None:
    """The nodes of device ``busid``; None if it does not come within ``seconds``."""
    return wait_usable(Path("/sys"), busid, seconds)
