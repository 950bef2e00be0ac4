"""The values of a TOML file with where they are, taken out and checked one by one.

Every complaint is one line: the file, the line, the path, what was expected, and what is there.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from emulator.files import contents
from wslusb.errors import LocalError, LocalReason

from . import lines

__all__ = ["Fields", "Node", "load", "loads"]

_T = TypeVar("_T")
_BYTE_LIMIT = 8 << 20
_SHOWN = 40
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(us|ms|s)")
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
_LONGEST = 24 * 3600.0


def load(path: Path) -> Node:
    """The root of a file. LocalError if it cannot be read or is not TOML."""
    try:
        data = contents(path, _BYTE_LIMIT)
    except OSError as error:
        raise _error(f"{path}: {error.strerror or error}") from error
    try:
        return loads(data.decode(), path)
    except UnicodeDecodeError as error:
        raise _error(f"{path}: it is not UTF-8 at byte {error.start}") from error


def loads(text: str, path: Path = Path("scenario.toml")) -> Node:
    """The root of a text; ``path`` is what it is called, and where its files are. LocalError if it is not TOML."""
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # what tomllib raises, and what int() and a deep nesting do
        raise _error(f"{path}: not TOML: {' '.join(str(error).split()) or type(error).__name__}") from error
    return Node(values, (), Source(path, lines.lines(text)))


def _error(message: str) -> LocalError:
    return LocalError(LocalReason.BAD_DESCRIPTOR, message, hint="docs/scenarios.md has every key")


@dataclass(slots=True, frozen=True)
class Source:
    """A file, and where its keys are."""

    path: Path
    lines: Mapping[lines.Path, int]


@dataclass(slots=True, frozen=True)
class Node:
    """A value of the file. What it is asked to be and is not, is a LocalError."""

    value: Any
    path: lines.Path
    source: Source = field(repr=False)

    def complain(self, message: str) -> NoReturn:
        """Raise the error for this value."""
        line = lines.line_of(self.path, self.source.lines)
        where = f"{self.source.path}:{line}" if line else f"{self.source.path}"
        path = re.sub(r"\.\[", "[", ".".join(f"[{p}]" if isinstance(p, int) else _key(p) for p in self.path))
        raise _error(f"{where}: {path}: {message}" if path else f"{where}: {message}")

    def expected(self, what: str) -> NoReturn:
        """Raise the error for a value that is something else than ``what``."""
        shown = _shown(self.value)
        self.complain(f"expected {what}, not {shown}")

    def integer(self, low: int, high: int) -> int:
        """A number within bounds that are both allowed."""
        if type(self.value) is not int or not low <= self.value <= high:
            self.expected(f"a number from {_number(low)} to {_number(high)}")
        return self.value

    def text(self) -> str:
        """A text."""
        if not isinstance(self.value, str):
            self.expected("a text")
        return self.value

    def flag(self) -> bool:
        """True or false."""
        if not isinstance(self.value, bool):
            self.expected("true or false")
        return self.value

    def hexadecimal(self) -> bytes:
        """Bytes, two hexadecimal digits each, spaces and line ends where one likes."""
        try:
            return bytes.fromhex(self.text())
        except ValueError:
            self.expected("bytes of two hexadecimal digits each")

    def seconds(self) -> float:
        """A time such as ``10ms``, ``250us`` or ``1.5s``."""
        match = _DURATION.fullmatch(self.value) if isinstance(self.value, str) else None
        seconds = float(match[1]) * _SECONDS[match[2]] if match else -1.0
        if not 0 <= seconds <= _LONGEST:
            self.expected("a time up to a day, such as '10ms', '250us' or '1.5s'")
        return seconds

    def choice(self, choices: Mapping[str, _T]) -> _T:
        """One of a few words."""
        if not isinstance(self.value, str) or self.value not in choices:
            self.expected(_or([f"'{each}'" for each in choices]))
        return choices[self.value]

    def number_or(self, choices: Mapping[str, int], high: int) -> int:
        """A number, or a word for one."""
        if isinstance(self.value, str) and self.value in choices:
            return choices[self.value]
        if type(self.value) is not int or not 0 <= self.value <= high:
            words = _or([f"'{each}'" for each in choices])
            self.expected(f"a number up to {_number(high)}, or {words}")
        return self.value

    def items(self) -> list[Node]:
        """The elements of an array."""
        if not isinstance(self.value, list):
            self.expected("an array")
        return [Node(value, (*self.path, number), self.source) for number, value in enumerate(self.value)]

    def one_or_more(self) -> list[Node]:
        """The elements of an array, or this as the only one."""
        return self.items() if isinstance(self.value, list) else [self]

    def entries(self) -> Iterator[tuple[str, Node]]:
        """The keys of a table that may have any, and their values."""
        if not isinstance(self.value, dict):
            self.expected("a table")
        for key, value in self.value.items():
            yield key, Node(value, (*self.path, key), self.source)

    def fields(self, *known: str) -> Fields:
        """The keys of a table that has no others than these."""
        entries = dict(self.entries())
        for key, node in entries.items():
            if key not in known:
                node.complain(f"this key is unknown; there are {', '.join(sorted(known))}")
        return Fields(self, entries)


@dataclass(slots=True, frozen=True)
class Fields:
    """A table of known keys. Each method gives the default for a key that is not there."""

    node: Node
    entries: Mapping[str, Node]

    def get(self, key: str) -> Node | None:
        """The value of a key, if it is there."""
        return self.entries.get(key)

    def need(self, key: str) -> Node:
        """The value of a key that has to be there."""
        found = self.entries.get(key)
        if found is None:
            self.node.complain(f"{key} is missing")
        return found

    def present(self, *keys: str) -> list[str]:
        """Which of these keys are there."""
        return [key for key in keys if key in self.entries]

    def integer(self, key: str, default: int, low: int = 0, high: int = 0xFF) -> int:
        """A number within bounds."""
        node = self.get(key)
        return default if node is None else node.integer(low, high)

    def text(self, key: str, default: str = "") -> str:
        """A text."""
        node = self.get(key)
        return default if node is None else node.text()

    def hexadecimal(self, key: str) -> bytes:
        """Bytes; none by default."""
        node = self.get(key)
        return b"" if node is None else node.hexadecimal()

    def flag(self, key: str) -> bool:
        """True or false; false by default."""
        node = self.get(key)
        return node is not None and node.flag()

    def items(self, key: str) -> list[Node]:
        """The elements of an array; none by default."""
        node = self.get(key)
        return [] if node is None else node.items()


def _key(key: str) -> str:
    return key if re.fullmatch(r"[\w-]+", key) else repr(key)


def _number(number: int) -> str:
    return f"{number:#x}" if number > 9 else str(number)


def _or(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (dict, list)):
        return "a table" if isinstance(value, dict) else "an array"
    try:
        text = repr(value)
    except ValueError:  # a number with more digits than int() gives
        text = "a huge number"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
