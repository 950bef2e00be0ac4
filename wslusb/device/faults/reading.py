"""Plans as TOML, read and written. What is wrong is told with its place: ``plan.toml: fault 2, what.seconds: ...``."""

from __future__ import annotations

import dataclasses
import math
import tomllib
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING
from pathlib import Path
from typing import Any, TypeVar

from ...errors import LocalError, LocalReason
from ..describe_text import quoted
from .kinds import KINDS
from .plan import Fault, Plan, SetupMatch, When, Where
from .what import What, wrong

__all__ = ["as_table", "parse_plan", "plan_text", "read_seed", "read_text", "read_what"]

T = TypeVar("T")
_FAULT_KEYS = ("name", "where", "when", "what")


def read_text(path: Path) -> str:
    """A file's text. LocalError if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        hint = "give a plan in TOML, or the record (.jsonl) of a run: docs/faults.md has both"
        raise LocalError(LocalReason.NOT_FOUND, f"cannot read {path}: {why}", hint=hint) from error


def parse_plan(text: str, source: str = "plan") -> Plan:
    """A plan from TOML. LocalError with the place of what cannot be meant."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise wrong(f"{source}: {error}") from error
    _known(document, ("seed", "fault"), source)
    seed = read_seed(document.get("seed"), source)
    entries = document.get("fault", [])
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        raise wrong(f"{source}: faults are written as [[fault]]")
    faults = [_fault(entry, f"{source}: fault {number}") for number, entry in enumerate(entries, 1)]
    return _placed(lambda: Plan(faults, seed, source), source)


def _fault(entry: Mapping[str, Any], place: str) -> Fault:
    _known(entry, _FAULT_KEYS, place)
    if "what" not in entry:
        raise wrong(f"{place}: what is missing")
    return Fault(
        read_what(entry["what"], f"{place}, what"),
        _build(Where, entry.get("where", {}), f"{place}, where"),
        _build(When, entry.get("when", {}), f"{place}, when"),
        _text(entry.get("name", ""), f"{place}, name"),
    )


def read_seed(value: object, source: str) -> int | None:
    """A seed, or None where there is none."""
    return None if value is None else _whole(value, f"{source}: seed")


def read_what(value: object, place: str) -> What:
    """A fault's kind with its parameters: ``"stall"`` or ``{kind = "delay", seconds = 0.1}``."""
    table: Mapping[str, Any] = value if isinstance(value, dict) else {"kind": value}
    name = table.get("kind")
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise wrong(f"{place}.kind: {name!r} is none; there are {', '.join(KINDS)}")
    return _build(kind, {key: value for key, value in table.items() if key != "kind"}, place)


def _build(kind: type[T], table: object, place: str) -> T:
    """A dataclass from a table, each value read as its field's type says."""
    if not isinstance(table, dict):
        raise wrong(f"{place}: is a table, not {table!r}")
    readers = _readers(kind)
    _known(table, tuple(readers), place)
    _complete(kind, table, place)
    values = {key: readers[key](value, f"{place}.{key}") for key, value in table.items()}
    return _placed(lambda: kind(**values), place, ".")


def _placed(make: Callable[[], T], place: str, joint: str = ": ") -> T:
    try:
        return make()
    except LocalError as error:
        raise wrong(f"{place}{joint}{error}") from error


def _known(table: Mapping[str, Any], keys: tuple[str, ...], place: str) -> None:
    for key in table:
        if key not in keys:
            raise wrong(f"{place}: there is no {key!r} here, only {', '.join(keys) or 'nothing'}")


def _complete(kind: type, table: Mapping[str, Any], place: str) -> None:
    for each in dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else ():
        has_default = each.default is not MISSING or each.default_factory is not MISSING
        if not has_default and each.name not in table:
            raise wrong(f"{place}.{each.name}: is missing")


# -- values


def _whole(value: object, place: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise wrong(f"{place}: is a whole number from 0 on, not {value!r}")
    return value


def _number(value: object, place: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < math.inf:
        raise wrong(f"{place}: is a number from 0 on, not {value!r}")
    return float(value)


def _flag(value: object, place: str) -> bool:
    if not isinstance(value, bool):
        raise wrong(f"{place}: is true or false, not {value!r}")
    return value


def _text(value: object, place: str) -> str:
    if not isinstance(value, str):
        raise wrong(f"{place}: is a text, not {value!r}")
    return value


def _list(value: object, place: str) -> tuple[int, ...]:
    return tuple(_whole(each, place) for each in (value if isinstance(value, list) else [value]))


_READERS: dict[Any, Callable[[Any, str], Any]] = {
    int: _whole,
    int | None: _whole,
    float: _number,
    bool: _flag,
    str: _text,
    tuple[int, ...]: _list,
    SetupMatch | None: lambda value, place: _build(SetupMatch, value, place),
}


def _readers(kind: type) -> dict[str, Callable[[Any, str], Any]]:
    if not dataclasses.is_dataclass(kind):  # a kind without parameters
        return {}
    # ``bytes`` is the name of a field as well as of a type: hints are looked up where the fields cannot hide it.
    hints = typing.get_type_hints(kind, localns={})
    return {each.name: _READERS[hints[each.name]] for each in dataclasses.fields(kind)}


# -- and back


def as_table(value: Any) -> dict[str, Any]:
    """What differs from the defaults, as plain values. Of a :class:`What`, its kind comes first."""
    table: dict[str, Any] = {"kind": value.kind} if isinstance(value, What) else {}
    for each in dataclasses.fields(value):
        content = getattr(value, each.name)
        if content == each.default:
            continue
        if isinstance(content, tuple):
            content = list(content)
        table[each.name] = as_table(content) if dataclasses.is_dataclass(content) else content
    return table


def plan_text(plan: Plan) -> str:
    """A plan as TOML, which :func:`parse_plan` reads as the same plan."""
    blocks = [] if plan.seed is None else [f"seed = {plan.seed}\n"]
    for fault in plan.faults:
        lines = ["[[fault]]"]
        if fault.name:
            lines.append(f"name = {_value(fault.name)}")
        tables = {"where": as_table(fault.where), "when": as_table(fault.when), "what": as_table(fault.what)}
        lines += [f"{key} = {_value(table)}" for key, table in tables.items() if table]
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(content)}" for key, content in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return quoted(value) if isinstance(value, str) else repr(value)
