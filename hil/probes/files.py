"""Files of seeded bytes in a folder, in folders of their own: written, or read again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from .disk import content

__all__ = ["checksums", "run"]


def run(folder: str, seed: int, sizes: Sequence[int], *, write: bool = False) -> list[str]:
    """The SHA-256 of each file, ``missing`` for one that is not there. ``write``: make them first, and sync."""
    paths = [Path(folder) / f"part{number % 3}" / f"file {number}" for number in range(len(sizes))]
    if write:
        for number, (path, size) in enumerate(zip(paths, sizes, strict=True)):
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content(seed + number, size))
        os.sync()
    return [hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else "missing" for path in paths]


def checksums(seed: int, sizes: Sequence[int]) -> list[str]:
    """What :func:`run` is to say."""
    return [hashlib.sha256(content(seed + number, size)).hexdigest() for number, size in enumerate(sizes)]
