"""The command line of the harness: one file a verb, imported when it is wanted. It ends as ``wslusb`` does."""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """End the process with one of the codes of :class:`wslusb.cli.output.ExitCode`."""
    from .program import program

    program(prog_name="python -m hil")
