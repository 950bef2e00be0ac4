"""Files of users, looked at before a device is there: nothing is made, opened or emptied."""

from __future__ import annotations

import errno
import os
from pathlib import Path

__all__ = ["why_not_readable", "why_not_writable"]


def why_not_writable(path: Path) -> str:
    """What the system would say to somebody who writes to ``path``, existing or new; empty if it can be written."""
    try:
        if path.is_dir():
            return os.strerror(errno.EISDIR)
        if path.exists():
            return _allowed(path, os.W_OK)
        if not path.parent.is_dir():
            return os.strerror(errno.ENOTDIR if path.parent.exists() else errno.ENOENT)
        return _allowed(path.parent, os.W_OK)
    except OSError as error:
        return error.strerror or str(error)


def why_not_readable(path: Path) -> str:
    """The same for somebody who reads a file that exists."""
    try:
        if not path.exists():
            return os.strerror(errno.ENOENT)
        return os.strerror(errno.EISDIR) if path.is_dir() else _allowed(path, os.R_OK)
    except OSError as error:
        return error.strerror or str(error)


def _allowed(path: Path, mode: int) -> str:
    return "" if os.access(path, mode) else os.strerror(errno.EACCES)
