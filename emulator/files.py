"""Files of users: whether they can be used, before a device is there, and small ones read."""

from __future__ import annotations

import errno
import os
from pathlib import Path

__all__ = ["contents", "why_not_readable", "why_not_writable"]

_PIECE = 1 << 20


def contents(path: Path, most: int) -> bytes:
    """All of a file. OSError if it cannot be read, is larger than ``most`` bytes, or is no file."""
    if not path.is_file() and path.exists():  # a named pipe would be waited for, /dev/zero never ends
        raise OSError(errno.EINVAL, os.strerror(errno.EISDIR) if path.is_dir() else "it is not a file")
    data = bytearray()
    with path.open("rb") as file:
        while len(data) <= most and (part := file.read(_PIECE)):  # read() has memory ready for all that it is asked for
            data += part
    if len(data) > most:
        unit, shift = ("MiB", 20) if most >= 1 << 20 else ("KiB", 10)
        raise OSError(errno.EFBIG, f"it is larger than {most >> shift} {unit}")
    return bytes(data)


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
