"""Options of a virtual device as a user writes them, taken out one by one and checked: ``size=64M,ro=yes``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from wslusb.errors import LocalError, LocalReason
from wslusb.sizes import byte_count
from wslusb.usb.ids import Speed

from .files import why_not_writable

__all__ = ["LIST_HINT", "Options", "bad"]

_MAX_SIZE = 1 << 40
_SPEEDS = {"low": Speed.LOW, "full": Speed.FULL, "high": Speed.HIGH, "super": Speed.SUPER}


LIST_HINT = "'python -m emulator list' shows what there is"
"""The next step where nothing better is known: the catalogue says which options a kind has, if it was one of them."""


def bad(message: str, hint: str = LIST_HINT) -> LocalError:
    """The error for a device that cannot be made from what was written."""
    return LocalError(LocalReason.BAD_ADDRESS, message, hint=hint)


class Options:
    """Each method takes one option out; what is left in the end was unknown. ``number`` tells devices apart."""

    def __init__(self, values: Mapping[str, str] | None = None, number: int = 1) -> None:
        self._values = dict(values or {})
        self.number = number

    @property
    def left(self) -> list[str]:
        """The names that nobody has asked for."""
        return list(self._values)

    def text(self, name: str, default: str = "") -> str:
        """As it was written."""
        return self._values.pop(name, default)

    def choice(self, name: str, choices: tuple[str, ...], default: str) -> str:
        """One of a few words."""
        value = self.text(name, default)
        if value not in choices:
            raise bad(f"{name} is {' or '.join(choices)}, not {value!r}")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """``yes`` or ``no``."""
        return self.choice(name, ("yes", "no"), "yes" if default else "no") == "yes"

    def integer(self, name: str, default: int, low: int = 0, high: int = 1 << 31) -> int:
        """A number, decimal or 0x, within bounds that are both allowed."""
        text = self.text(name, str(default))
        try:
            value = int(text, 0)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise bad(f"{name} is a number from {low} to {high}, not {text!r}")
        return value

    def size(self, name: str, default: int | None = None) -> int | None:
        """Bytes: a number, perhaps with K, M or G."""
        text = self._values.pop(name, None)
        if text is None:
            return default
        try:
            size = byte_count(text)
        except ValueError:
            size = 0
        if not 0 < size <= _MAX_SIZE:
            raise bad(f"{text!r} is not a size: bytes, or a number with K, M or G, up to {_MAX_SIZE >> 30}G")
        return size

    def path(self, name: str) -> Path | None:
        """A file; None without the option."""
        value = self.text(name)
        return Path(value) if value else None

    def output(self, name: str) -> Path | None:
        """A file that will be written, which nobody touches yet; None without the option."""
        path = self.path(name)
        if path is not None and (why := why_not_writable(path)):
            raise bad(f"{name}: {path}: {why}")
        return path

    def content(self, name: str) -> bytes:
        """What is in a file; nothing without the option."""
        path = self.path(name)
        try:
            return path.read_bytes() if path is not None else b""
        except OSError as error:
            raise bad(f"{name}: {path}: {error.strerror}") from error

    def serial(self, default: str) -> str:
        """A string descriptor holds 126 UTF-16 units; serials are printable ASCII (Bulk-Only, 4.1.1, is stricter)."""
        serial = self.text("serial", default)
        if not 0 < len(serial) <= 126 or not serial.isascii() or not serial.isprintable():
            raise bad(f"a serial is 1 to 126 printable ASCII characters, not {serial!r}")
        return serial

    def speed(self, default: Speed = Speed.HIGH, allowed: tuple[str, ...] = ("full", "high", "super")) -> Speed:
        """``low``, ``full``, ``high`` or ``super``."""
        names = {speed: name for name, speed in _SPEEDS.items()}
        return _SPEEDS[self.choice("speed", allowed, names[default])]
