"""The command line of the emulator: one file a verb, imported when it is wanted.

It stands beside ``wslusb.cli`` and behaves as that does: results on stdout, messages of one line and a hint on stderr,
the same exit codes, by the same modules.
"""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """End the process with one of the codes of :class:`wslusb.cli.output.ExitCode`."""
    from .program import program

    program(prog_name="python -m emulator")
