"""Where the bytes of an answer come from: written out, a pattern, or what the host has sent.

A source is a value and has no state; :func:`stream` makes what delivers its bytes.
"""

from __future__ import annotations

import enum
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

__all__ = ["Data", "Echo", "Heard", "Literal", "Pattern", "PatternKind", "Stream", "stream"]

Heard = Mapping[str, bytes]
"""By a rule's name, the last OUT data that it matched; by the empty name, those that are being answered."""

Stream = Callable[[int, Heard], bytes]
"""Takes how many bytes the host asks for, and what was heard; gives the next bytes."""


class PatternKind(enum.Enum):
    """The values are what a scenario file says."""

    ZEROES = "zeroes"
    COUNTING = "counting"
    RANDOM = "random"


@dataclass(slots=True, frozen=True)
class Literal:
    """The same bytes each time."""

    data: bytes = b""


@dataclass(slots=True, frozen=True, kw_only=True)
class Pattern:
    """``length`` bytes (None: as many as the host asks for) of a run that the next answer goes on with.

    ``COUNTING`` is 0, 1, ... 255, 0, ...; ``RANDOM`` is that of ``random.Random(seed)``, the same in every run.
    """

    kind: PatternKind
    length: int | None = None
    seed: int = 0


@dataclass(slots=True, frozen=True)
class Echo:
    """What the host sent: with this very request or write or, with a name, when the rule of that name last matched."""

    of: str = ""


Data = Literal | Pattern | Echo

_COUNT = bytes(range(256))


def stream(data: Data) -> Stream:
    """What delivers the bytes of a source, from its beginning."""
    if isinstance(data, Literal):
        written = data.data
        return lambda _size, _heard: written
    if isinstance(data, Echo):
        name = data.of
        return lambda _size, heard: heard.get(name, b"")
    take, length = _RUNS[data.kind](data.seed), data.length
    if length is None:
        return lambda size, _heard: take(size)
    fixed = length
    return lambda _size, _heard: take(fixed)


def _zeroes(_seed: int) -> Callable[[int], bytes]:
    return bytes


def _counting(_seed: int) -> Callable[[int], bytes]:
    position = 0

    def take(size: int) -> bytes:
        nonlocal position
        start, position = position, (position + size) % 256
        return (_COUNT * ((start + size) // 256 + 1))[start : start + size]

    return take


def _random(seed: int) -> Callable[[int], bytes]:
    return random.Random(seed).randbytes


_RUNS = {PatternKind.ZEROES: _zeroes, PatternKind.COUNTING: _counting, PatternKind.RANDOM: _random}
