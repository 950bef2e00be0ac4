"""One mistake after the other, each in a copy of its own: who finds it, as a table."""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from .mistake import Mistake, copied, made

__all__ = ["Row", "command_line", "copy", "table"]

Row = tuple[bool, tuple[str, ...]]
"""Whether it is as it should be, and what the table says."""
M = TypeVar("M", bound=Mistake)


def command_line(program: str, description: str | None, seconds: float) -> argparse.ArgumentParser:
    """``--seconds`` for each mistake, and ``words`` to choose some of them by."""
    parser = argparse.ArgumentParser(prog=f"python -m {program}", description=description)
    parser.add_argument("--seconds", type=float, default=seconds, help="time for each of them (%(default)s)")
    parser.add_argument("words", nargs="*", metavar="WORD", help="only those with such a word in their names")
    return parser


@contextlib.contextmanager
def copy(parts: Iterable[str], mistake: Mistake | None) -> Iterator[Path]:
    """A folder with these files and folders of the checkout and the mistake in them; None: as they are."""
    with tempfile.TemporaryDirectory(prefix="wslusb-planted-") as name:
        folder = Path(name)
        copied(parts, folder)
        if mistake is not None:
            made(mistake, folder)
        yield folder


def table(mistakes: Iterable[M], words: Iterable[str], row: Callable[[M], Row]) -> int:
    """Print a row for each that has one of the words in its name, or for all without words.

    The exit code: 1 if one is not as it should be, else 0.
    """
    wanted, wrong = tuple(words), 0
    for mistake in mistakes:
        if wanted and not any(word in mistake.breaks for word in wanted):
            continue
        good, cells = row(mistake)
        wrong += not good
        sys.stdout.write(f"| {' | '.join(cells)} |\n")
        sys.stdout.flush()
    return 1 if wrong else 0
