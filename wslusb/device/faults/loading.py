"""A plan from a file: TOML, or the record of a run that is to be repeated."""

from __future__ import annotations

from pathlib import Path

from .plan import Plan
from .reading import parse_plan, read_text
from .record import replay

__all__ = ["load_plan"]

_RECORD = ".jsonl"


def load_plan(path: Path) -> Plan:
    """The plan in a TOML file, or the one that repeats a record (``.jsonl``). LocalError with what is wrong, where."""
    return replay(path) if path.suffix == _RECORD else parse_plan(read_text(path), path.name)
