"""The program itself: finds verbs by name, and turns every way that they can end into a message and an exit code."""

from __future__ import annotations

import importlib
from typing import Any

import click

from hil.errors import RigFileError
from wslusb.cli import output
from wslusb.cli.ending import Ending
from wslusb.cli.output import ExitCode

__all__ = ["VERBS", "Program", "program"]

VERBS = {
    "suggest": "suggest", "doctor": "doctor", "release": "release", "report": "report", "fidelity": "fidelity",
    "shrink": "shrink",
}  # fmt: skip
"""Verbs, in the order of ``--help``, and the module that has each as ``command``."""

_HELP = """Rigs: a host with USB devices, a guest that gets them, and a file that says what may be done to them.

The tests themselves are run by 'nox -s hil', or pytest.
"""
_EPILOG = """\b
Exit codes: 0 success, 1 failure, 2 wrong usage, 3 access denied, 4 cancelled, 5 a difference (fidelity).
Environment: WSLUSB_DEBUG=1 (tracebacks), WSLUSB_STATE_DIR (quarantine).
"""


class Program(Ending):
    """A group whose verbs are imported when they are needed."""

    program = "hil"
    called = "python -m hil"

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's signature
        """The verbs."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 -- likewise
        """Import one verb."""
        if cmd_name not in VERBS:
            return None
        command: click.Command = importlib.import_module(f".{VERBS[cmd_name]}", __package__).command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a verb. A rig file's mistakes are a message each."""
        try:
            return super().invoke(ctx)
        except RigFileError as error:
            for problem in error.problems:
                output.error(problem)
            output.hint(error.hint)
            return ExitCode.FAILURE


@click.group(
    "hil",
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
