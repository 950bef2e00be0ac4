"""What a virtual stick keeps its blocks in: memory or a file, both as one flat, mapped buffer.

A mapping costs no memory before it is touched, and slices of it go into completions without a copy.
"""

from __future__ import annotations

import mmap
from pathlib import Path

from wslusb.errors import LocalError, LocalReason

__all__ = ["BLOCK_SIZE", "Medium", "file_medium", "memory_medium"]

BLOCK_SIZE = 512


class Medium:
    """Blocks of 512 bytes. ``data`` is all of them; it is read-only where the medium is."""

    def __init__(self, mapping: mmap.mmap, *, read_only: bool = False) -> None:
        self._mapping = mapping
        self.read_only = read_only
        self.data = memoryview(mapping)
        self.blocks = len(self.data) // BLOCK_SIZE

    def at(self, block: int, count: int) -> memoryview:
        """The bytes of ``count`` blocks from ``block`` on; the caller has checked that they exist."""
        return self.data[block * BLOCK_SIZE : (block + count) * BLOCK_SIZE]

    def flush(self) -> None:
        """Write to the file what is only in memory yet."""
        if not self.read_only:
            self._mapping.flush()


def memory_medium(size: int, *, read_only: bool = False) -> Medium:
    """``size`` bytes of zeroes, rounded down to blocks. LocalError if the system has not that much address space."""
    try:
        mapping = mmap.mmap(-1, _whole_blocks(size, "the medium"))
    except OSError as error:
        raise LocalError(LocalReason.UNSUPPORTED, f"no memory for {size} bytes: {error.strerror}") from error
    return Medium(mapping, read_only=read_only)


def file_medium(path: Path, size: int | None = None, *, read_only: bool = False) -> Medium:
    """A file as a medium, created or grown to ``size`` bytes if that is given. LocalError if it cannot be used."""
    try:
        if size is not None and not read_only:
            with path.open("ab") as file:
                if file.tell() < size:
                    file.truncate(_whole_blocks(size, str(path)))
        with path.open("rb" if read_only else "r+b") as file:
            length = _whole_blocks(path.stat().st_size, str(path))
            access = mmap.ACCESS_READ if read_only else mmap.ACCESS_WRITE
            return Medium(mmap.mmap(file.fileno(), length, access=access), read_only=read_only)
    except OSError as error:
        reason = LocalReason.ACCESS_DENIED if isinstance(error, PermissionError) else LocalReason.BAD_ADDRESS
        raise LocalError(reason, f"{path} cannot be a medium: {error.strerror or error}") from error


def _whole_blocks(size: int, what: str) -> int:
    if size < BLOCK_SIZE:
        raise LocalError(LocalReason.BAD_ADDRESS, f"{what} has {size} bytes, less than one block of {BLOCK_SIZE}")
    return size - size % BLOCK_SIZE
