"""The tables of a TOML file, with the line of each key, and everything that is wrong with them collected.

tomllib says no lines: they come from :mod:`emulator.scenario.lines`, which reads the same files beside it. Whoever
complains goes on with a default, so that one reading finds all mistakes.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from emulator.files import contents
from emulator.scenario import lines
from hil.errors import RigFileError

from .checks import Option, Unfit, expected, nearest

__all__ = ["Document", "Table"]

_BYTE_LIMIT = 256 << 10
_TOML_LINE = re.compile(r"\s*\(at line (\d+), column \d+\)$")
_BARE_HEXADECIMAL = re.compile(r"=\s*[0-9A-Fa-f]{4}\b")
_HINT = "; a hexadecimal number starts with 0x"  # lsusb prints none of these


class Document:
    """A file that is being read; ``root`` is its outermost table."""

    def __init__(self, path: Path, values: Mapping[str, Any], text: str) -> None:
        self.path = path
        self.root = Table(self, (), values)
        self._lines = lines.lines(text)
        self._problems: list[tuple[int, str]] = []

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a file. RigFileError if it cannot be read or is not TOML."""
        try:
            data = contents(path, _BYTE_LIMIT)
        except OSError as error:
            raise RigFileError([f"{path}: {error.strerror or error}"]) from error
        except ValueError as error:  # a name that no file can have
            raise RigFileError([f"{str(path)!r}: {error}"]) from error
        try:
            return cls.loads(data.decode("utf-8-sig"), path)
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise RigFileError([f"{path}:{line}: it is not UTF-8"]) from error

    @classmethod
    def loads(cls, text: str, path: Path) -> Self:
        """Read a text. RigFileError if it is not TOML."""
        try:
            values = tomllib.loads(text)
        except (ValueError, RecursionError) as error:  # what tomllib raises, and what int() and a deep nesting do
            said = " ".join(str(error).split()) or type(error).__name__
            line = _TOML_LINE.search(said)
            where = f"{path}:{line[1]}" if line else f"{path}"
            hint = _HINT if line and _BARE_HEXADECIMAL.search(text.split("\n")[int(line[1]) - 1]) else ""
            raise RigFileError([f"{where}: not TOML: {_TOML_LINE.sub('', said)}{hint}"]) from error
        return cls(path, values, text)

    def line(self, path: lines.Path) -> int:
        """The line of a key, or of the first thing in it, or of the nearest around it; 0 for none."""
        if path in self._lines:
            return self._lines[path]
        within = [number for known, number in self._lines.items() if path and known[: len(path)] == path]
        return min(within) if within else lines.line_of(path, self._lines) or 0

    def complain(self, path: lines.Path, what: str) -> None:
        """Remember a problem."""
        line = self.line(path)
        key = ".".join(str(part) if re.fullmatch(r"[\w-]+", str(part)) else repr(part) for part in path)
        where = f"{self.path}:{line}" if line else f"{self.path}"
        self._problems.append((line, f"{where}: {key}: {what}" if key else f"{where}: {what}"))

    def finish(self) -> None:
        """RigFileError if there were problems, in the order of their lines."""
        if self._problems:
            raise RigFileError([text for _, text in sorted(self._problems, key=lambda problem: problem[0])])


@dataclass(slots=True, frozen=True)
class Table:
    """A table of the file, empty where the file has none."""

    document: Document = field(repr=False)
    path: lines.Path
    values: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The last part of its path."""
        return str(self.path[-1]) if self.path else ""

    def line(self) -> int:
        """Where it starts; 0 if the file does not have it."""
        return self.document.line(self.path)

    def complain(self, what: str, *key: str) -> None:
        """Remember a problem of the table, or of a key of it."""
        self.document.complain((*self.path, *key), what)

    def table(self, key: str, example: str = "") -> Table:
        """The table of a key. One that is something else counts as empty, and is complained of."""
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            self.complain(str(expected(f"a table{example}", value)), key)
            value = {}
        return Table(self.document, (*self.path, key), value)

    def below(self, key: str, found: Mapping[str, Any]) -> Table:
        """The table of a key that :meth:`options` found fit, or an empty one."""
        return Table(self.document, (*self.path, key), found.get(key, {}))

    def tables(self) -> list[Table]:
        """One for each key, whatever it is called; a value that is no table is complained of."""
        found = {key: self.table(key) for key in self.values}
        return [table for key, table in found.items() if table.values is self.values[key]]

    def only(self, known: Iterable[str]) -> None:
        """Complain of keys that are not among ``known``."""
        known = list(known)
        for key in self.values:
            if key not in known:
                self.complain(f"this key is unknown{nearest(key, known)}", key)

    def options(self, known: Mapping[str, Option], *others: str) -> dict[str, Any]:
        """The values that are there and fit. ``others`` are keys that are read elsewhere."""
        self.only([*known, *others])
        found = {}
        for key, option in known.items():
            if key in self.values:
                try:
                    found[key] = option.check(self.values[key])
                except Unfit as error:
                    self.complain(str(error), key)
            elif option.needed:
                self.complain(f"{key} is missing: {option.help}")
        return found

    def words(self, key: str, words: Iterable[str], known: Iterable[str], what: str) -> tuple[str, ...]:
        """Those of ``words`` that are known; the others are complained of."""
        known, words = list(known), tuple(words)
        for word in words:
            if word not in known:
                self.complain(f"there is no {what} {word!r}{nearest(word, known)}", key)
        return tuple(word for word in words if word in known)
