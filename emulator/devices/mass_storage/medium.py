"""What a virtual stick keeps its blocks in: memory or a file, both as one flat, mapped buffer.

A mapping costs no memory before it is touched, and slices of it go into completions without a copy.
"""

from __future__ import annotations

import errno
import mmap
import os
from collections.abc import Callable
from pathlib import Path

from wslusb.errors import LocalError, LocalReason

from ...files import why_not_readable, why_not_writable
from ...options import Options

__all__ = ["BLOCK_SIZE", "Medium", "file_medium", "medium_from_options", "memory_medium"]

BLOCK_SIZE = 512
_DEFAULT_SIZE = 16 << 20


class Medium:
    """Blocks of 512 bytes, as ``mapped`` maps them. ``data``, once it is open, is all of them."""

    data: memoryview

    def __init__(self, size: int, mapped: Callable[[], mmap.mmap], *, read_only: bool = False) -> None:
        self._mapped = mapped
        self._mapping: mmap.mmap | None = None
        self.read_only = read_only
        self.blocks = size // BLOCK_SIZE

    def open(self) -> None:
        """Map it, the first time. OSError or ValueError if its file is not what it was."""
        if self._mapping is None:
            self._mapping = self._mapped()
            self.data = memoryview(self._mapping)

    def at(self, block: int, count: int) -> memoryview:
        """The bytes of ``count`` blocks from ``block`` on; the caller has checked that they exist."""
        return self.data[block * BLOCK_SIZE : (block + count) * BLOCK_SIZE]

    def flush(self) -> None:
        """Write to the file what is only in memory yet."""
        if self._mapping is not None and not self.read_only:
            self._mapping.flush()


def medium_from_options(options: Options) -> Medium:
    """What ``file``, ``size`` and ``ro`` say. LocalError for what cannot be a medium."""
    size, file, read_only = options.size("size"), options.path("file"), options.flag("ro")
    if file is not None:
        return file_medium(file, size, read_only=read_only)
    return memory_medium(_DEFAULT_SIZE if size is None else size, read_only=read_only)


def memory_medium(size: int, *, read_only: bool = False) -> Medium:
    """``size`` bytes of zeroes, rounded down to blocks. LocalError if the system has not that much address space."""
    size = _whole_blocks(size, "the medium")
    medium = Medium(size, lambda: mmap.mmap(-1, size), read_only=read_only)
    try:
        medium.open()
    except OSError as error:
        raise LocalError(LocalReason.UNSUPPORTED, f"no memory for {size} bytes: {error.strerror}") from error
    return medium


def file_medium(path: Path, size: int | None = None, *, read_only: bool = False) -> Medium:
    """A file as a medium; to be created or grown to ``size`` bytes when it is opened, if that is given.

    LocalError if it cannot be used.
    """
    grow = 0 if size is None or read_only else _whole_blocks(size, f"file: {path}")
    why = why_not_writable(path) if grow else why_not_readable(path)
    if not why and not grow and not read_only:
        why = why_not_writable(path)
    if why:
        reason = LocalReason.ACCESS_DENIED if why == os.strerror(errno.EACCES) else LocalReason.BAD_ADDRESS
        raise LocalError(reason, f"file: {path}: {why}")
    found = path.stat().st_size if path.exists() else 0
    length = _whole_blocks(max(found, grow), f"file: {path}")
    return Medium(length, lambda: _map(path, length, found < grow, read_only), read_only=read_only)


def _map(path: Path, length: int, grow: bool, read_only: bool) -> mmap.mmap:
    if grow:
        with path.open("ab") as file:
            if file.tell() < length:
                file.truncate(length)
    with path.open("rb" if read_only else "r+b") as file:
        return mmap.mmap(file.fileno(), length, access=mmap.ACCESS_READ if read_only else mmap.ACCESS_WRITE)


def _whole_blocks(size: int, what: str) -> int:
    if size < BLOCK_SIZE:
        raise LocalError(LocalReason.BAD_ADDRESS, f"{what} has {size} bytes, less than one block of {BLOCK_SIZE}")
    return size - size % BLOCK_SIZE
