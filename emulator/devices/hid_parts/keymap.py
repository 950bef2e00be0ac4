"""Which keys a person presses to write a text (usages of HID Usage Tables 1.4, section 10)."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping

from ...options import bad

__all__ = ["LAYOUTS", "Modifier", "Stroke", "strokes"]


class Modifier(enum.IntFlag):
    """First byte of a boot keyboard's report (HID 1.11, B.1): usages 0xE0 to 0xE7."""

    LEFT_CONTROL = 0x01
    LEFT_SHIFT = 0x02
    LEFT_ALT = 0x04
    LEFT_GUI = 0x08
    RIGHT_CONTROL = 0x10
    RIGHT_SHIFT = 0x20
    RIGHT_ALT = 0x40
    RIGHT_GUI = 0x80


Stroke = tuple[Modifier, int]
"""Modifiers to hold, and the usage of the key."""

_NONE = Modifier(0)
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_COMMON = {"\n": 0x28, "\x1b": 0x29, "\b": 0x2A, "\t": 0x2B, " ": 0x2C}


def _row(first: int, characters: str, modifier: Modifier = _NONE) -> dict[str, Stroke]:
    """Keys side by side; a space stands for one that has nothing to offer."""
    return {character: (modifier, first + place) for place, character in enumerate(characters) if character != " "}


def _layout(letters: str, rows: Iterable[tuple[int, str, str, str]]) -> Mapping[str, Stroke]:
    keys = {character: (_NONE, usage) for character, usage in _COMMON.items()}
    keys |= _row(0x04, letters) | _row(0x04, letters.upper(), Modifier.LEFT_SHIFT)
    for first, plain, shifted, third in rows:
        keys |= _row(first, plain) | _row(first, shifted, Modifier.LEFT_SHIFT) | _row(first, third, Modifier.RIGHT_ALT)
    return keys


LAYOUTS: Mapping[str, Mapping[str, Stroke]] = {
    "us": _layout(
        _LETTERS,
        [
            (0x1E, "1234567890", "!@#$%^&*()", ""),
            (0x2D, "-=[]\\", "_+{}|", ""),
            (0x33, ";'`,./", ':"~<>?', ""),
        ],
    ),
    "de": _layout(
        _LETTERS.replace("yz", "zy"),
        [
            (0x14, "", "", "@"),
            (0x08, "", "", "€"),
            (0x10, "", "", "µ"),
            (0x1E, "1234567890", '!"§$%&/()=', " ²³   {[]}"),
            (0x2D, "ß ü+", "?  *", "\\  ~"),
            (0x32, "#öä ,.-", "'ÖÄ°;:_", ""),
            (0x64, "<", ">", "|"),
        ],
    ),
}
"""By name, characters to strokes. Dead keys are left out: they write nothing by themselves."""


def strokes(text: str, layout: str = "us") -> list[Stroke]:
    """One stroke a character. LocalError for a character that the layout does not have."""
    keys = LAYOUTS[layout]
    missing = sorted(set(text) - keys.keys())
    if missing:
        raise bad(f"a {layout} keyboard has no {' '.join(map(repr, missing))}")
    return [keys[character] for character in text]
