"""What a user reads: results on stdout, messages on stderr, exit codes.

A message is one line, ``emulator: error: what happened.``, and where there is a next step a second one.
"""

from __future__ import annotations

import enum
import json
import sys
from collections.abc import Sequence
from typing import Any

import click

from wslusb.errors import LocalError, LocalReason, WslusbError

__all__ = ["ExitCode", "clean", "error", "exit_code", "hint", "info", "result", "result_json", "table", "warning"]


class ExitCode(enum.IntEnum):
    """How the process ends: as ``wslusb`` does (docs/cli.md)."""

    SUCCESS = 0
    FAILURE = 1
    USAGE = 2
    ACCESS_DENIED = 3
    CANCELLED = 4


_CODES = {LocalReason.ACCESS_DENIED: ExitCode.ACCESS_DENIED, LocalReason.BAD_ADDRESS: ExitCode.USAGE}


def clean(text: str) -> str:
    """``text`` as it may go to a terminal: a device chooses its own strings, and may choose escape sequences."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)


def _message(kind: str, text: str) -> None:
    line = clean(" ".join(text.split()))
    click.echo(f"emulator: {kind}: {line}{'' if line.endswith(('.', '?', '!')) else '.'}", err=True)


def error(text: str, hint_text: str = "") -> None:
    """Something that was asked for did not happen."""
    _message("error", text)
    hint(hint_text)


def warning(text: str) -> None:
    """Something is not as it should be."""
    _message("warning", text)


def info(text: str) -> None:
    """Something that is good to know."""
    _message("info", text)


def hint(text: str) -> None:
    """The next step to take, if there is one."""
    if text:
        _message("hint", text)


def result(text: str) -> None:
    """What was asked for, on stdout."""
    click.echo(text)


def result_json(schema: str, body: dict[str, Any]) -> None:
    """What was asked for, for programs. ``schema`` is a name and a version that grows when a field changes meaning."""
    click.echo(json.dumps({"schema": schema, **body}, indent=2 if sys.stdout.isatty() else None))


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Plain columns for pipes and files, Rich's for terminals."""
    cells = [[clean(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _rich_table(columns, cells)
        return
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    for row in (columns, *cells):
        result("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _rich_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in columns:
        shown.add_column(name, no_wrap=name != columns[-1])
    for row in rows:
        shown.add_row(*(Text(cell, overflow="fold") for cell in row))
    Console(highlight=False).print(shown)


def exit_code(problem: WslusbError) -> ExitCode:
    """The code that a failure ends the process with."""
    reason = problem.reason if isinstance(problem, LocalError) else None
    return ExitCode.FAILURE if reason is None else _CODES.get(reason, ExitCode.FAILURE)
