"""How a capture is redacted, as it stands in the comment of the file, and the second look at a file that is done."""

from __future__ import annotations

import contextlib
import io
import mmap
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..errors import LocalError, LocalReason

__all__ = ["SCHEMA", "Profile", "check", "is_redacted"]

SCHEMA = "wslusb.capture/1"
_PENDING, _CLEAN = b"second scan pending", b"second scan clean  "
_HEAD = 4096
"""Bytes of a file that have the comment in them."""
_GZIP = zlib.MAX_WBITS | 16
_REDACTED = f"{SCHEMA}; redaction: default"


@dataclass(slots=True, frozen=True)
class Profile:
    """``raw``: nothing is taken out. ``keep_vendor``: the data of vendor-specific interfaces and requests stay."""

    raw: bool = False
    keep_vendor: bool = False

    def comment(self) -> str:
        """For the section header."""
        if self.raw:
            return f"{SCHEMA}; redaction: none (--raw)"
        kept = " (--keep-vendor)" if self.keep_vendor else ""
        return f"{_REDACTED}{kept}; {_PENDING.decode()}"


def is_redacted(file: BinaryIO) -> bool:
    """Whether a capture, packed or not, says that it was redacted. The file is left where it was."""
    head = file.read(_HEAD)
    file.seek(-len(head), io.SEEK_CUR)
    with contextlib.suppress(zlib.error):
        head = zlib.decompressobj(wbits=_GZIP).decompress(head, _HEAD)
    return _REDACTED.encode() in head


def check(path: Path, originals: Iterable[bytes]) -> None:
    """Look through a finished file for values that were to be taken out, and write into it that there are none.

    LocalError(REFUSED), and the file is gone, if there is one.
    """
    if not path.stat().st_size:
        return  # it ended before it began
    # 9p, as virtual machines have it, maps files for reading alone (v9fs_file_mmap in Linux' fs/9p/vfs_file.c).
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
        leak = any(whole.find(value) >= 0 for value in originals)
        at = whole.find(_PENDING, 0, _HEAD)
    if at >= 0 and not leak:
        with path.open("r+b") as marked:
            marked.seek(at)
            marked.write(_CLEAN)
    if leak:
        path.unlink()
        text = "a value that was to be taken out was found in the finished file: the file was removed"
        raise LocalError(LocalReason.REFUSED, text, hint="please report this; it is a bug")
