"""What a value of a rig file may be. A check takes what TOML has and gives what the model wants, or raises Unfit."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TypeVar

from wslusb.sizes import byte_count

__all__ = [
    "Check", "Option", "Unfit", "above_zero", "choice", "expected", "identifier", "kind_table", "matching", "nearest",
    "reasons", "size", "some_texts", "table", "text", "texts", "whole",
    "yes_or_no",
]  # fmt: skip

_T = TypeVar("_T")
_SHOWN = 40


class Unfit(ValueError):  # noqa: N818 - it is what is said of the value
    """The value is not what it has to be; the text says what that is, and what is there."""


Check = Callable[[Any], _T]


@dataclass(slots=True, frozen=True)
class Option:
    """A key of a table: what it is for, what it may be, and whether it has to be there."""

    help: str
    check: Check[Any]
    needed: bool = False


def expected(what: str, value: object) -> Unfit:
    """The error for a value that is something else."""
    return Unfit(f"expected {what}, not {_shown(value)}")


def text(value: Any) -> str:
    """A text that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise expected("a text", value)
    return value


def matching(pattern: re.Pattern[str], what: str) -> Check[str]:
    """A text of a certain form."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise expected(what, value)
        return value

    return check


def table(value: Any) -> dict[str, Any]:
    """A table."""
    if not isinstance(value, dict):
        raise expected("a table", value)
    return value


def kind_table(value: Any) -> dict[str, Any]:
    """A table that says of what kind it is."""
    if not isinstance(value, dict):
        raise expected("a table such as { kind = 'manual' }", value)
    return value


def yes_or_no(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise expected("true or false", value)
    return value


def whole(low: int, high: int) -> Check[int]:
    """A whole number within bounds that are both allowed."""

    def check(value: Any) -> int:
        if type(value) is not int or not low <= value <= high:
            raise expected(f"a number from {low} to {high}", value)
        return value

    return check


def identifier(value: Any) -> int:
    """A vendor's or a product's number."""
    if type(value) is not int or not 0 <= value <= 0xFFFF:
        raise expected("a number such as 0x1d6b", value)
    return value


def above_zero(value: Any) -> float:
    """A number greater than 0, and finite."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise expected("a number greater than 0", value)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not 0 < number < math.inf:
        raise expected("a number greater than 0", value)
    return number


def size(value: Any) -> int:
    """Bytes, as a number or as ``16M``."""
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            return byte_count(value)
    if type(value) is not int or not 0 <= value < 1 << 63:
        raise expected("a size such as 65536, '64K' or '16M'", value)
    return value


def choice(words: Iterable[str], what: str) -> Check[str]:
    """One of a few words; ``what`` they are, for the message."""
    known = list(words)

    def check(value: Any) -> str:
        if not isinstance(value, str):
            raise expected(f"a {what}, one of {', '.join(known)}", value)
        if value not in known:
            raise Unfit(f"there is no {what} {_shown(value)}{nearest(value, known)}")
        return value

    return check


def texts(value: Any) -> tuple[str, ...]:
    """A list of texts."""
    if not isinstance(value, list):
        raise expected("a list of texts", value)
    return tuple(text(each) for each in value)


def reasons(value: Any) -> dict[str, str]:
    """A table of reasons, by what they are for."""
    if not isinstance(value, dict):
        raise expected("a table such as { test_sleep = 'the reason' }", value)
    return {name: text(reason) for name, reason in value.items()}


def some_texts(value: Any) -> tuple[str, ...]:
    """A list that has at least one text."""
    if not (found := texts(value)):
        raise Unfit("expected at least one text, not an empty list")
    return found


def nearest(word: str, known: Iterable[str]) -> str:
    """What was probably meant, and what there is, as the end of a message."""
    known = list(known)
    close = get_close_matches(word[:_SHOWN], known, n=1)
    there = f"there is {', '.join(known)}" if known else "there is none"
    return f"; is it {close[0]!r}?" if close else f"; {there}"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    try:
        shown = repr(value)
    except ValueError:  # a number with more digits than str() gives
        shown = "a huge number"
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
