"""The devices that can be asked for by name, as text: ``loopback,storage:size=64M,serial=SN77,file=/path``."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wslusb.errors import LocalError, LocalReason

from .firmware import Firmware
from .gadget import Gadget
from .loopback import LoopbackFirmware, loopback_gadget
from .medium import file_medium, memory_medium
from .storage import StorageFirmware, storage_gadget

__all__ = ["Model", "parse_models"]

_SIZE = re.compile(r"(\d+)([KMG]?)", re.ASCII)
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_DEFAULT_SIZE = 16 << 20
_MAX_SIZE = 1 << 40

Options = dict[str, str]


@dataclass(slots=True, frozen=True)
class Model:
    """A device that can be plugged in: what it is and what it does. It keeps its state over plugs."""

    gadget: Gadget
    firmware: Firmware


def parse_models(text: str) -> list[Model]:
    """Devices, separated by commas; each ``name`` or ``name:option=value,option=value``. LocalError if not understood.

    ``loopback`` has ``serial`` and ``pattern`` (0 or 1). ``storage`` has ``serial``, ``size`` (bytes, or with K, M, G),
    ``file`` and ``ro`` (yes or no). Two devices of a kind get different serials.
    """
    models = []
    for number, (name, options) in enumerate(_split(text), 1):
        maker = _MAKERS.get(name)
        if maker is None:
            raise _bad(f"no virtual device is called {name!r}; there are {', '.join(_MAKERS)}")
        models.append(maker(number, options))
        if options:
            raise _bad(f"{name} has no option {', '.join(options)}")
    return models


def _bad(message: str) -> LocalError:
    hint = "for example: loopback,storage:size=64M,serial=SN77"
    return LocalError(LocalReason.BAD_ADDRESS, message, hint=hint)


def _split(text: str) -> list[tuple[str, Options]]:
    """A piece with ``=`` before any colon is one more option of the device before it; any other is a new device."""
    devices: list[tuple[str, Options]] = []
    for piece in text.split(","):
        head, colon, rest = piece.partition(":")
        if "=" not in head:
            devices.append((head.strip(), {}))
            if not colon:
                continue
            piece = rest
        key, equals, value = piece.partition("=")
        if not devices or not key or not equals or key in devices[-1][1]:
            raise _bad(f"{piece!r} is not an option of a device")
        devices[-1][1][key] = value
    return devices


def _loopback(number: int, options: Options) -> Model:
    pattern = options.pop("pattern", "0")
    if pattern not in ("0", "1"):
        raise _bad(f"pattern is 0 or 1, not {pattern!r}")
    return Model(loopback_gadget(_serial(options, f"LOOPBACK{number:04d}")), LoopbackFirmware(int(pattern)))


def _storage(number: int, options: Options) -> Model:
    serial = _serial(options, f"{number:012d}")
    size = _size(options.pop("size")) if "size" in options else None
    file, read_only = options.pop("file", None), _yes(options.pop("ro", "no"))
    if file is not None:
        medium = file_medium(Path(file), size, read_only=read_only)
    else:
        medium = memory_medium(_DEFAULT_SIZE if size is None else size, read_only=read_only)
    return Model(storage_gadget(serial), StorageFirmware(medium, serial))


def _serial(options: Options, default: str) -> str:
    """A string descriptor holds 126 UTF-16 units; serials are printable ASCII (Bulk-Only, 4.1.1, is stricter still)."""
    serial = options.pop("serial", default)
    if not 0 < len(serial) <= 126 or not serial.isascii() or not serial.isprintable():
        raise _bad(f"a serial is 1 to 126 printable ASCII characters, not {serial!r}")
    return serial


def _size(text: str) -> int:
    match = _SIZE.fullmatch(text.upper())
    size = int(match[1]) * _UNITS[match[2]] if match else 0
    if not 0 < size <= _MAX_SIZE:
        raise _bad(f"{text!r} is not a size: bytes, or a number with K, M or G, up to {_MAX_SIZE >> 30}G")
    return size


def _yes(text: str) -> bool:
    if text not in ("yes", "no"):
        raise _bad(f"ro is yes or no, not {text!r}")
    return text == "yes"


_MAKERS: dict[str, Callable[[int, Options], Model]] = {"loopback": _loopback, "storage": _storage}
