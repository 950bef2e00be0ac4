"""Reads and writes of a block device past the page cache (O_DIRECT), of bytes that a seed gives again anywhere.

Offsets and lengths are bytes, and multiples of the disk's block size. Every step is a list: its name, its arguments.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self

from wslusb.usb.urb import Buffer

__all__ = ["PIECE", "content", "pieces", "run", "scattered"]

PIECE = 64 << 10
"""What one checksum is of, so that two readings which differ say where."""


def run(node: str, steps: Sequence[Sequence[Any]]) -> list[Any]:
    """What each step gives. OSError, as a failure of the program, if the kernel gives one."""
    return [_STEPS[name](node, *arguments) for name, *arguments in steps]


def content(seed: int, length: int) -> bytes:
    """What ``write`` writes."""
    return random.Random(seed).randbytes(length)


def scattered(seed: int, length: int, block: int, count: int) -> Iterator[tuple[int, bytes]]:
    """Offsets and bytes of ``count`` writes of one block to a 16th of ``length`` each, one over the other."""
    dice = random.Random(seed)
    blocks = length // block
    for _ in range(count):
        size = dice.randint(1, max(1, blocks // 16))
        yield dice.randint(0, blocks - size) * block, dice.randbytes(size * block)


def pieces(data: Buffer) -> list[str]:
    """A checksum a :data:`PIECE`."""
    return [hashlib.sha256(data[at : at + PIECE]).hexdigest()[:16] for at in range(0, len(data), PIECE)]


class _Direct:
    """A disk, open past the cache, and a buffer as O_DIRECT wants it: at the start of a page."""

    def __init__(self, node: str, flags: int, chunk: int) -> None:
        self._file = os.open(node, flags | os.O_DIRECT)
        self._buffer = memoryview(mmap.mmap(-1, chunk))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        os.close(self._file)

    def read(self, offset: int, length: int) -> memoryview:
        """Up to one chunk; fewer bytes at the end of the disk."""
        return self._buffer[: os.preadv(self._file, [self._buffer[:length]], offset)]

    def write(self, offset: int, data: memoryview) -> None:
        """Up to one chunk. OSError if not all of it went."""
        self._buffer[: len(data)] = data
        done = os.pwritev(self._file, [self._buffer[: len(data)]], offset)
        if done != len(data):
            raise OSError(f"{done} of {len(data)} bytes were written at {offset}")


def _read(node: str, offset: int, length: int, chunk: int) -> list[str]:
    """Checksums of :data:`PIECE` bytes each."""
    return pieces(_bytes(node, offset, length, chunk))


def _bytes(node: str, offset: int, length: int, chunk: int) -> bytes:
    got = bytearray()
    with _Direct(node, os.O_RDONLY, chunk) as disk:
        while len(got) < length:
            part = disk.read(offset + len(got), min(chunk, length - len(got)))
            if not part:
                break
            got += part
    return bytes(got)


def _count(node: str, offset: int, length: int) -> int | str:
    """How many bytes one read brings, or the error that it ends with."""
    try:
        return len(_bytes(node, offset, length, length))
    except OSError as error:
        return os.strerror(error.errno or 0)


def _write(node: str, offset: int, length: int, chunk: int, seed: int) -> None:
    """:func:`content`, a chunk a write."""
    data = memoryview(content(seed, length))
    with _Direct(node, os.O_WRONLY, chunk) as disk:
        for at in range(0, length, chunk):
            disk.write(offset + at, data[at : at + chunk])


def _scatter(node: str, offset: int, length: int, seed: int, block: int, count: int) -> None:
    """:func:`scattered`, from ``offset`` on."""
    with _Direct(node, os.O_WRONLY, length) as disk:
        for at, data in scattered(seed, length, block, count):
            disk.write(offset + at, memoryview(data))


def _write_cached(node: str, offset: int, length: int, seed: int) -> None:
    """:func:`content` through the page cache in one go, then fsync, which ends with the disk's own cache."""
    file = os.open(node, os.O_WRONLY)
    try:
        os.pwrite(file, content(seed, length), offset)
        os.fsync(file)
    finally:
        os.close(file)


def _readers(
    node: str, ranges: Sequence[Sequence[int]], chunk: int, writing: Sequence[int] | None = None
) -> list[list[str]]:
    """Read ranges ([offset, length]) at the same time, a thread each; one more writes [offset, length, seed]."""
    found: list[list[str]] = [[] for _ in ranges]

    def read(number: int) -> None:
        offset, length = ranges[number]
        found[number] = _read(node, offset, length, chunk)

    threads = [threading.Thread(target=read, args=(number,)) for number in range(len(ranges))]
    if writing is not None:
        offset, length, seed = writing
        threads.append(threading.Thread(target=_write, args=(node, offset, length, chunk, seed)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def _speed(node: str, direction: str, offset: int, length: int, chunk: int, repeats: int) -> list[float]:
    """MB/s (10^6 bytes) of reading or writing a range once, several times."""
    flags = os.O_RDONLY if direction == "read" else os.O_WRONLY
    data = memoryview(content(0, chunk))
    rates = []
    with _Direct(node, flags, chunk) as disk:
        for _ in range(repeats):
            started = time.perf_counter()
            for at in range(offset, offset + length, chunk):
                if direction == "read":
                    disk.read(at, chunk)
                else:
                    disk.write(at, data)
            rates.append(length / 1e6 / (time.perf_counter() - started))
    return rates


_STEPS: dict[str, Callable[..., Any]] = {
    "read": _read, "count": _count, "write": _write, "scatter": _scatter, "write cached": _write_cached,
    "readers": _readers, "speed": _speed,
}  # fmt: skip
