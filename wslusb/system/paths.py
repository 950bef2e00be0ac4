"""Where files go. The environment decides first, then whether this process is root's."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

__all__ = ["runtime_dir", "state_dir"]

_NAME = "wslusb"


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def state_dir() -> Path:
    """``WSLUSB_STATE_DIR``, or ``/var/lib/wslusb`` for root, or the user's state directory."""
    if named := os.environ.get("WSLUSB_STATE_DIR"):
        return Path(named)
    # platformdirs has no machine-wide state directory; /var/lib is the FHS's name for it.
    return Path("/var/lib", _NAME) if _is_root() else Path(platformdirs.user_state_dir(_NAME, appauthor=False))


def runtime_dir() -> Path:
    """``WSLUSB_RUNTIME_DIR``, or ``/run/wslusb`` for root, or the user's runtime directory."""
    if named := os.environ.get("WSLUSB_RUNTIME_DIR"):
        return Path(named)
    return Path("/run", _NAME) if _is_root() else Path(platformdirs.user_runtime_dir(_NAME, appauthor=False))
