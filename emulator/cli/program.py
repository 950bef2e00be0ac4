"""The program itself: finds verbs by name, and turns every way that they can end into a message and an exit code."""

from __future__ import annotations

import importlib

import click

from wslusb.cli.ending import Ending
from wslusb.cli.output import ExitCode

__all__ = ["VERBS", "Program", "program"]

VERBS = {"list": "list", "show": "show", "run": "run", "check": "check", "import": "import_source"}
"""Verbs, in the order of ``--help``, and the module that has each as ``command``."""

_HELP = """Virtual USB devices: what there is, what it looks like to a host, and in front of a real driver.

A DEVICE is a kind of the catalogue with its options (keyboard:text=hello), a device file (./mine.py, ./mine.toml), or
with a slash in its name anything that 'import' can read (./capture.pcapng:device=1.4).
"""
_EPILOG = """\b
Exit codes: 0 success, 1 failure, 2 wrong usage, 3 access denied, 4 cancelled.
Environment: WSLUSB_DEBUG=1 (tracebacks).
"""


class Program(Ending):
    """A group whose verbs are imported when they are needed."""

    program = "emulator"
    called = "python -m emulator"

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's signature
        """The verbs."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 -- likewise
        """Import one verb."""
        if cmd_name not in VERBS:
            return None
        command: click.Command = importlib.import_module(f".{VERBS[cmd_name]}", __package__).command
        return command


@click.group(
    "emulator",
    cls=Program,
    help=_HELP,
    epilog=_EPILOG,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.pass_context
def program(context: click.Context) -> int | None:
    """Without a verb: the help."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        return ExitCode.USAGE
    return None
