"""On which line of a TOML file a key stands: tomllib does not say, and a person wants to know.

It reads headers and the starts of key/value pairs; inside of values it only counts brackets and quotes. The file has
been parsed before, so what is not understood here merely has no line of its own, and gets that of what it is part of.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["Path", "line_of", "lines"]

Path = tuple[str | int, ...]

_HEADER = re.compile(r"\s*(\[\[?)([^]]+)\]")
_KEY = re.compile(r"\s*((?:[\w-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[\w-]+|\"[^\"]*\"|'[^']*'))*)\s*=")
_PART = re.compile(r"[\w-]+|\"[^\"]*\"|'[^']*'")
_TOKEN = re.compile(r"\"\"\"|'''|\"(?:\\.|[^\"\\])*\"|'[^']*'|[\[\]{}]|#.*")


def lines(text: str) -> dict[Path, int]:
    """Line numbers, from 1, by the path of tables and keys; of an array of tables, by index."""
    found: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    value = _Value()
    for number, line in enumerate(text.split("\n"), 1):
        if value.open:
            value.read(line)
        elif header := _HEADER.match(line):
            table = _table(_parts(header[2]), counts, array=header[1] == "[[")
            found.setdefault(table, number)
            if header[1] == "[[":
                found.setdefault(table[:-1], number)
        elif key := _KEY.match(line):
            found.setdefault((*table, *_parts(key[1])), number)
            value.read(line[key.end() :])
    return found


def line_of(path: Path, found: Mapping[Path, int]) -> int | None:
    """The line of the nearest thing around a path that has one."""
    while path:
        if path in found:
            return found[path]
        path = path[:-1]
    return None


def _parts(text: str) -> list[str]:
    return [part.strip("\"'") for part in _PART.findall(text)]


def _table(parts: list[str], counts: dict[Path, int], *, array: bool) -> Path:
    """The path of a header; ``counts`` has how many elements each array of tables has so far."""
    path: Path = ()
    for place, part in enumerate(parts):
        path = (*path, part)
        if array and place == len(parts) - 1:
            counts[path] = counts.get(path, 0) + 1
        if path in counts:
            path = (*path, counts[path] - 1)
    return path


class _Value:
    """Whether a value goes on in the next line."""

    def __init__(self) -> None:
        self._depth = 0
        self._quote = ""

    @property
    def open(self) -> bool:
        return self._depth > 0 or bool(self._quote)

    def read(self, text: str) -> None:
        position = 0
        while position < len(text):
            if self._quote:
                end = text.find(self._quote, position)
                if end < 0:
                    return
                position, self._quote = end + 3, ""
                continue
            token = _TOKEN.search(text, position)
            if token is None:
                return
            position = token.end()
            if token[0] in ('"""', "'''"):
                self._quote = token[0]
            elif token[0] in "[{":
                self._depth += 1
            elif token[0] in "]}":
                self._depth -= 1
