"""A melody as an option writes it: ``C4.E4.G4.C5:2.-.F#3`` (a note, or - for a rest, and its length in beats)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...options import bad

__all__ = ["Note", "parse_melody"]

_NOTE = re.compile(r"(?:([A-G])([#b]?)(-1|\d)|-)(?::(\d+(?:/\d+)?))?", re.ASCII)
_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ACCIDENTALS = {"": 0, "#": 1, "b": -1}


@dataclass(slots=True, frozen=True)
class Note:
    """``key`` is 0 to 127, 60 for C4; None is a rest. ``beats`` is how long it lasts."""

    key: int | None
    beats: float = 1.0


def parse_melody(text: str) -> list[Note]:
    """Notes, joined by dots. LocalError for what is none."""
    return [_note(word) for word in text.split(".") if word]


def _note(word: str) -> Note:
    match = _NOTE.fullmatch(word)
    numerator, _, denominator = (match[4] or "1").partition("/") if match else ("0", "", "")
    beats = int(numerator) / int(denominator or 1) if int(denominator or 1) else 0.0
    if match is None or not beats:
        raise bad(f"a note is like C4, F#3, Bb5:2, G4:1/2 or -, not {word!r}")
    if match[1] is None:
        return Note(None, beats)
    key = 12 * (int(match[3]) + 1) + _SEMITONES[match[1]] + _ACCIDENTALS[match[2]]
    if not 0 <= key <= 127:
        raise bad(f"{word} is not a note that MIDI has: C-1 to G9")
    return Note(key, beats)
