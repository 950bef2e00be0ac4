"""The program itself: its verbs, and what --help says of them."""

from __future__ import annotations

import click

from wslusb.cli.ending import Ending

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
    """The group of all verbs."""

    program = "emulator"
    called = "python -m emulator"
    verbs = VERBS


@click.group("emulator", cls=Program, help=_HELP, epilog=_EPILOG)
def program() -> None:
    """No option stands before the verb."""
