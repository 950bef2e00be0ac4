"""The operating system's side: which devices there are, when that changes, how they are given back, where files go."""

from __future__ import annotations

import sys

from ..errors import LocalError, LocalReason
from .api import HostSystem

__all__ = ["current"]


def current() -> HostSystem:
    """The system that this process runs on. LocalError(UNSUPPORTED) where there is no implementation."""
    if sys.platform == "linux":
        from .linux import LinuxSystem

        return LinuxSystem()
    raise LocalError(LocalReason.UNSUPPORTED, f"there is no host on {sys.platform} yet")
