"""Where files go. The environment decides first, then whether this process is root's."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import platformdirs

from ..errors import LocalError, LocalReason

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
    """``WSLUSB_RUNTIME_DIR``, or ``/run/wslusb`` for root, or the user's runtime directory.

    LocalError (ACCESS_DENIED) where the only directory left is another user's.
    """
    if named := os.environ.get("WSLUSB_RUNTIME_DIR"):
        return Path(named)
    return Path("/run", _NAME) if _is_root() else _user_runtime_dir()


def _user_runtime_dir() -> Path:
    # Without XDG_RUNTIME_DIR platformdirs warns, and chooses a place of the user's own: that is as good here.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return Path(platformdirs.user_runtime_dir(_NAME, appauthor=False))
        except PermissionError as error:
            # Root's rights would not help: root's directory is another one.
            hint = "set WSLUSB_RUNTIME_DIR to a directory of your own"
            message = f"no directory for control sockets: {error.strerror or error}"
            raise LocalError(LocalReason.ACCESS_DENIED, message, hint=hint) from error
