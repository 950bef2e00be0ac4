"""Tables: plain columns for pipes and files, Rich's for terminals. Wide characters count as two columns in both."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Sequence

from ..printable import printable
from .output import result

__all__ = ["show"]

_LONG = ("DEVICE", "INSTANCE ID")
"""Columns that a narrow terminal breaks into lines, rather than the short ones."""


def show(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table to stdout."""
    cells = [[printable(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _show_rich(columns, cells)
    else:
        _show_plain(columns, cells)


def _show_plain(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Two spaces between columns, nothing cut, nothing after the last: the form that scripts may rely on."""
    widths = [max(map(_width, column)) for column in zip(columns, *rows, strict=True)]
    for row in (columns, *rows):
        line = "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True))
        result(line.rstrip())


def _show_rich(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in columns:
        table.add_column(name, no_wrap=name not in _LONG)
    for row in rows:
        table.add_row(*(Text(cell, style=_style(cell), overflow="fold") for cell in row))
    Console(highlight=False).print(table)


def _style(cell: str) -> str:
    words = {"Shared": "green", "Not shared": "dim", "pass": "green", "fail": "red bold", "warning": "yellow"}
    return "cyan" if cell.startswith("Attached") else words.get(cell, "")


def _width(text: str) -> int:
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
