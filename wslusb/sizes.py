"""Sizes as people write them."""

from __future__ import annotations

import re

__all__ = ["byte_count"]

_SIZE = re.compile(r"(\d{1,15})\s*([KMGT]?)(?:i?B)?", re.ASCII | re.IGNORECASE)
_SHIFTS = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}


def byte_count(text: str) -> int:
    """Bytes of ``4096``, ``64K``, ``16M``, ``1 GiB``; K is 1024. ValueError for anything else."""
    found = _SIZE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a size such as 65536, 64K or 16M")
    return int(found[1]) << _SHIFTS[found[2].upper()]
