"""Bug bundles (``wslusb report``) as what is in them: a capture, descriptors as text. Nothing is unpacked to a disk.

A bundle comes from a stranger: how much is read of it is bounded, whatever its directory says of itself.
"""

from __future__ import annotations

import contextlib
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import LocalError, LocalReason

__all__ = ["CAPTURE", "LSUSB", "MOST_CAPTURE", "open_capture", "read_member", "recognize"]

CAPTURE = "capture.pcapng"
LSUSB = "lsusb.txt"
MOST_CAPTURE = 256 << 20
"""Bytes of a capture. Blanked data pack a thousand to one, so the size of a bundle says nothing."""
_MOST_FILE, _MOST_MEMBERS = 1 << 30, 1000
_ENCRYPTED = 1
_MAGIC = b"PK\x03\x04"
_CAPTURES = (".pcapng", ".pcap")
_BROKEN = (
    zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeError, ValueError,
    OverflowError, OSError, struct.error,
)  # fmt: skip
"""What zipfile raises for files that are damaged, or meant to be: OSError where one begins before the first byte."""
_PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The others unpack as much as they like at a time."""


def recognize(head: bytes) -> bool:
    """Whether a file that starts so is a bundle."""
    return head.startswith(_MAGIC)


@contextlib.contextmanager
def open_capture(path: Path) -> Iterator[BinaryIO]:
    """A capture to read from its beginning: the file itself, or the one that a bundle holds.

    LocalError for a bundle that holds none or several, or is damaged: also while it is read.
    """
    with path.open("rb") as file:
        if not recognize(file.peek(len(_MAGIC))):
            yield file
            return
        archive = _open(path, file)
        found = [each for each in archive.infolist() if each.filename.lower().endswith(_CAPTURES)]
        if not found:
            hint = "its README says why; its lsusb.txt and device.toml may still describe the device"
            raise LocalError(LocalReason.NOT_FOUND, f"{path} has no capture in it", hint=hint)
        if len(found) > 1:
            hint = "unpack it, and give one of them"
            raise LocalError(LocalReason.AMBIGUOUS, f"{path} has {len(found)} captures in it", hint=hint)
        yield io.BufferedReader(_Member(path, archive, found[0], MOST_CAPTURE))


def read_member(path: Path, name: str, most: int) -> bytes:
    """The bytes of one file of a bundle, of at most that size. LocalError if it is not there, or damaged."""
    with path.open("rb") as file:
        archive = _open(path, file)
        try:
            info = archive.getinfo(name)
        except KeyError as error:
            raise LocalError(LocalReason.NOT_FOUND, f"{path} has no {name} in it") from error
        return _Member(path, archive, info, most).readall()


def _open(path: Path, file: BinaryIO) -> zipfile.ZipFile:
    if file.seek(0, io.SEEK_END) > _MOST_FILE:
        raise _damaged(path, "it is larger than 1 GiB")
    with _explained(path):
        archive = zipfile.ZipFile(file)
    if len(archive.filelist) > _MOST_MEMBERS:
        raise _damaged(path, f"it has more than {_MOST_MEMBERS} files in it")
    return archive


class _Member(io.RawIOBase):
    """A file of a bundle, which gives no more bytes than the directory says (Lib/zipfile.py, ZipExtFile).

    Every way in which it can be bad is a LocalError.
    """

    def __init__(self, path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int) -> None:
        self._path = path
        if info.file_size > most:
            hint = "if you trust it, unpack it and give the file"
            text = f"{path}: {info.filename!r} has more than {most >> 20} MiB"
            raise LocalError(LocalReason.BAD_DESCRIPTOR, text, hint=hint)
        if info.flag_bits & _ENCRYPTED or info.compress_type not in _PLAIN:
            raise _damaged(path, f"{info.filename!r} is encrypted, or packed in an unusual way")
        with _explained(path):
            self._file = archive.open(info)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        with _explained(self._path):
            return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: Any) -> int:
        with _explained(self._path):
            data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        raise _damaged(path, str(error) or type(error).__name__) from error


def _damaged(path: Path, why: str) -> LocalError:
    return LocalError(LocalReason.BAD_DESCRIPTOR, f"{path} is no bug bundle that can be read: {why}")
