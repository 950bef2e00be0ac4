"""The command line: one file a verb, which is imported when it is wanted."""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """The console script ``wslusb``. It ends the process with one of the codes of :mod:`wslusb.cli.output`."""
    from .program import program

    program(prog_name="wslusb")
