"""Which format a source has, and who reads it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

from wslusb.capture import bundle, pcapfile
from wslusb.errors import LocalError, LocalReason
from wslusb.usb.ids import Speed

from . import captures, libusbgx, lsusb, sysfs, transfers, umockdev
from .evidence import Evidence, choose, unreadable
from .imported import Imported, assemble

__all__ = ["FORMATS", "import_device"]

_MAX_TEXT = 16 << 20
_HEAD = 64 << 10
_DIRECTORY_HINT = "give the file in it, or leave --format out for a device's directory of sysfs"
_OTHER_FORMAT_HINT = "leave --format out, if the format can be told by the file"
_FORMAT_HINT = "if it is one of them, name it with --format, or format=... after a device's name"


def _read_capture(path: Path) -> list[Evidence]:
    with path.open("rb") as file:
        return captures.read(transfers.controls(transfers.records(pcapfile.packets(file))))


def _read_usbmon_text(path: Path) -> list[Evidence]:
    return captures.read(transfers.controls(transfers.from_text(io.StringIO(_text(path)))))


def _read_bundle(path: Path) -> list[Evidence]:
    """The descriptors of a bug bundle, or what its capture tells of them."""
    try:
        text = bundle.read_member(path, bundle.LSUSB, _MAX_TEXT)
    except LocalError as error:
        if error.reason is not LocalReason.NOT_FOUND:
            raise
    else:
        return lsusb.read(text.decode("utf-8", "replace"))
    with bundle.open_capture(path) as file:
        return captures.read(transfers.controls(transfers.records(pcapfile.packets(file))))


def _text(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(_MAX_TEXT + 1)
    if len(data) > _MAX_TEXT:
        raise unreadable(f"{path} is larger than {_MAX_TEXT >> 20} MiB")
    return data.decode("utf-8", "replace")


FORMATS: dict[str, Callable[[Path], list[Evidence]]] = {
    "sysfs": lambda path: [sysfs.read_directory(path) if path.is_dir() else sysfs.read_blob(path)],
    "lsusb": lambda path: lsusb.read(_text(path)),
    "umockdev": lambda path: umockdev.read(_text(path)),
    "capture": _read_capture,
    "usbmon-text": _read_usbmon_text,
    "bundle": _read_bundle,
    "libusbgx": lambda path: [libusbgx.read(_text(path), path.stem)],
}
"""Readers by the names that ``--format`` takes."""


def import_device(
    path: Path, device: str = "", format_name: str = "", speed: Speed = Speed.UNKNOWN
) -> Imported:  # fmt: skip
    """Read a device from a file or directory, whose format is recognized where none is named.

    ``device`` is the name of one of several: a port (``1-2``) in umockdev dumps, bus and address (``1.4``) in captures
    and lsusb. ``speed`` is for who knows better than the source. LocalError: the source cannot be read, has no device,
    or several and none was named.
    """
    if not path.exists():
        raise LocalError(LocalReason.NOT_FOUND, f"there is no {path}")
    name = format_name or _recognize(path)
    if name not in FORMATS:
        raise LocalError(LocalReason.BAD_ADDRESS, f"no format is called {name!r}; there are {', '.join(FORMATS)}")
    if path.is_dir() and name != "sysfs":
        raise unreadable(f"{path} is a directory, and {name} is the format of a file", _DIRECTORY_HINT)
    try:
        evidence = choose(FORMATS[name](path), device, str(path))
    except LocalError as error:
        raise error if error.hint or not format_name else unreadable(str(error), _OTHER_FORMAT_HINT) from error
    except OSError as error:
        raise unreadable(f"{path}: {error.strerror or error}") from error
    evidence.speed = speed or evidence.speed
    return assemble(evidence)


def _recognize(path: Path) -> str:
    if path.is_dir():
        return "sysfs"
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise unreadable(f"{path}: {error.strerror or error}") from error
    if pcapfile.recognize(head):
        return "capture"
    if bundle.recognize(head):
        return "bundle"
    if len(head) >= 18 and head[0] >= 18 and head[1] == 1:
        return "sysfs"
    text = head.decode("utf-8", "replace")
    for name, recognize in (
        ("umockdev", umockdev.recognize), ("lsusb", lsusb.recognize), ("usbmon-text", transfers.recognize),
        ("libusbgx", libusbgx.recognize),
    ):  # fmt: skip
        if recognize(text):
            return name
    raise unreadable(f"{path} is in none of the formats {', '.join(FORMATS)}", _FORMAT_HINT)
