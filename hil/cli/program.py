"""The program itself: its verbs, and what --help says of them."""

from __future__ import annotations

from typing import Any

import click

from hil.errors import RigFileError
from wslusb.cli import output
from wslusb.cli.ending import Ending
from wslusb.cli.output import ExitCode
from wslusb.errors import LocalError, LocalReason

__all__ = ["VERBS", "Program", "program"]

VERBS = {
    "suggest": "suggest", "doctor": "doctor", "release": "release", "report": "report", "fidelity": "fidelity",
    "shrink": "shrink",
}  # fmt: skip
"""Verbs, in the order of ``--help``, and the module that has each as ``command``."""
_OWN = ("hil", "wslusb", "emulator")

_HELP = """Rigs: a host with USB devices, a guest that gets them, and a file that says what may be done to them.

The tests themselves are run by 'nox -s hil', or pytest.
"""
_EPILOG = """\b
Exit codes: 0 success, 1 failure, 2 wrong usage, 3 access denied, 4 cancelled, 5 a difference (fidelity).
Environment: WSLUSB_DEBUG=1 (tracebacks), WSLUSB_STATE_DIR (quarantine).
"""


class Program(Ending):
    """The group of all verbs."""

    program = "hil"
    called = "python -m hil"
    verbs = VERBS

    def invoke(self, ctx: click.Context) -> Any:
        """Run a verb. A rig file's mistakes are a message each; a package of the suite's that is missing is one."""
        try:
            return super().invoke(ctx)
        except RigFileError as error:
            for problem in error.problems:
                output.error(problem)
            output.hint(error.hint)
            return ExitCode.FAILURE
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] in ("", *_OWN):
                raise
            hint = "'nox -s hil' makes an environment that has it: call '.nox/hil/bin/python -m hil' in place of this"
            raise LocalError(LocalReason.MISSING, f"{error.name} is not installed here", hint=hint) from error


@click.group("hil", cls=Program, help=_HELP, epilog=_EPILOG)
def program() -> None:
    """No option stands before the verb."""
