"""Reads the part of libconfig's language that gadget schemes are written in: groups, lists, arrays and scalars.

    name = value ;     # the semicolon may be a comma or absent, "=" may be ":"
    group = { a = 0x10; b = "text" "goes on" };  list = ( 1, { c = true } );  array = [ 1, 2 ]

``@include`` is not followed: a scheme that needs another file says so.
"""

from __future__ import annotations

import re

from .evidence import unreadable

__all__ = ["Group", "Value", "parse"]

Group = dict[str, "Value"]
Value = int | float | bool | str | list["Value"] | Group

_TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*|//[^\n]*|/\*.*?\*/)
    |(?P<text>"(?:[^"\\]|\\.)*")
    |(?P<float>[-+]?\d+\.\d*(?:[eE][-+]?\d+)?)
    |(?P<number>0[xX][0-9a-fA-F]{1,16}L{0,2}|[-+]?\d{1,20}L{0,2})
    |(?P<name>[A-Za-z*][\w*-]*)
    |(?P<mark>[][(){}=:;,])
    |(?P<include>@include)""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}
_CLOSING = {"(": ")", "[": "]"}
_MAX_DEPTH = 32
_MAX_TOKENS = 100_000

Token = tuple[str, str, int]
"""Kind, text and line."""


def parse(text: str) -> Group:
    """The settings of a whole file. LocalError, with the line, for what is not understood."""
    return _Parser(_tokens(text)).settings("")


def _tokens(text: str) -> list[Token]:
    found: list[Token] = []
    offset, line = 0, 1
    while offset < len(text):
        match = _TOKEN.match(text, offset)
        if match is None or len(found) > _MAX_TOKENS:
            raise unreadable(f"line {line}: {text[offset : offset + 20]!r} is not understood")
        kind = match.lastgroup or ""
        if kind == "include":
            raise unreadable(f"line {line}: @include is not followed: put the other file's text here")
        if kind != "space":
            found.append((kind, match[0], line))
        line += match[0].count("\n")
        offset = match.end()
    found.append(("end", "", line))
    return found


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._next = 0
        self._depth = 0

    def settings(self, closing: str) -> Group:
        """Settings up to a closing mark (or the end)."""
        group: Group = {}
        while not self._is(closing):
            kind, name, line = self._take()
            if kind != "name" or not (self._skip("=") or self._skip(":")):
                raise unreadable(f"line {line}: 'name = value' is expected, not {name!r}")
            group[name] = self._value()
            _ = self._skip(";") or self._skip(",")
        self._take()
        return group

    def _is(self, mark: str) -> bool:
        kind, text, _ = self._tokens[self._next]
        return text == mark and kind == ("mark" if mark else "end")

    def _skip(self, mark: str) -> bool:
        found = self._is(mark)
        self._next += found
        return found

    def _take(self) -> Token:
        token = self._tokens[self._next]
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token

    def _value(self) -> Value:
        kind, text, line = self._take()
        if kind == "mark" and text in "{([":
            return self._nested(text, line)
        if kind == "text":
            while self._tokens[self._next][0] == "text":
                text = text[:-1] + self._take()[1][1:]
            return _ESCAPE.sub(_unescape, text[1:-1])
        if kind == "number":
            return int(text.rstrip("L"), 16 if text[:2] in ("0x", "0X") else 10)
        if kind == "float":
            return float(text)
        if kind == "name" and text.lower() in ("true", "false"):
            return text.lower() == "true"
        raise unreadable(f"line {line}: a value is expected, not {text!r}")

    def _nested(self, opening: str, line: int) -> Value:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise unreadable(f"line {line}: more than {_MAX_DEPTH} levels")
        value: Value = self.settings("}") if opening == "{" else self._items(_CLOSING[opening])
        self._depth -= 1
        return value

    def _items(self, closing: str) -> list[Value]:
        items: list[Value] = []
        while not self._skip(closing):
            items.append(self._value())
            _, text, line = self._tokens[self._next]
            if not self._skip(",") and text != closing:
                raise unreadable(f"line {line}: ',' or {closing!r} is expected, not {text!r}")
        return items


def _unescape(match: re.Match[str]) -> str:
    return chr(int(match[1], 16)) if match[1] else _ESCAPES.get(match[2], match[2])
