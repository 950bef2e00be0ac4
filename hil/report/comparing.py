"""What two answers of a probe do not have in common, short enough for a page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .results import Comparison

__all__ = ["comparison", "first_difference"]

_MOST_LINES, _MOST_CHARACTERS = 20, 160
_ABSENT = "(absent)"
_NAMELESS = '""'


def comparison(what: str, native: Any, passthrough: Any) -> Comparison:
    """The parts that differ, each with its path, native and passthrough."""
    one, other = dict(_parts("", native)), dict(_parts("", passthrough))
    paths = [path for path in one | other if one.get(path, _ABSENT) != other.get(path, _ABSENT)]
    paths = [path for path in paths if not _held(path, one, other)]
    lines = []
    for path in paths[:_MOST_LINES]:
        a, b = one.get(path, _ABSENT), other.get(path, _ABSENT)
        at = first_difference(a, b)
        lines.append([f"{path or 'answer'}: {_cut(text, at)}" for text in (a, b)])
    texts = ["\n".join(side) for side in zip(*lines, strict=True)] or ["", ""]
    more = f", {_MOST_LINES} of {len(paths)} differences" if len(paths) > _MOST_LINES else ""
    return Comparison(what + more, *texts)


def _parts(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """The leaves of JSON, by a path like ``interfaces[0].name``."""
    if isinstance(value, dict) and value:
        for key, each in value.items():
            yield from _parts(f"{path}.{key}" if path else key or _NAMELESS, each)
    elif isinstance(value, list) and value:
        for place, each in enumerate(value):
            yield from _parts(f"{path}[{place}]", each)
    else:
        yield path, json.dumps(value, default=str, ensure_ascii=False)


def _held(path: str, one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether it is empty on one side, and has parts on the other, which say so."""
    only = {one.get(path, _ABSENT), other.get(path, _ABSENT)} - {_ABSENT}
    return only in ({"[]"}, {"{}"}) and any(each.startswith((f"{path}[", f"{path}.")) for each in (*one, *other))


def first_difference(one: Sequence[object], other: Sequence[object]) -> int:
    """The first place where two texts are not the same; the length of the shorter one if it begins the other."""
    pairs = zip(one, other, strict=False)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _cut(text: str, differs: int) -> str:
    """Around the first difference, where it is long."""
    if len(text) <= _MOST_CHARACTERS:
        return text
    start = max(0, differs - _MOST_CHARACTERS // 4)
    end = start + _MOST_CHARACTERS
    before, after = (f"... (from character {start}) " if start else ""), (" ..." if end < len(text) else "")
    return f"{before}{text[start:end]}{after}"
