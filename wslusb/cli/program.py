"""The program itself: its verbs, and the options before them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import ClassVar

import click

from . import output
from .ending import Ending

__all__ = ["VERBS", "Program", "program"]

VERBS = (
    "list", "bind", "unbind", "attach", "detach", "state", "doctor", "report", "describe", "capture", "redact",
    "wireshark", "replay", "serve", "agent",
)  # fmt: skip
"""In the order of ``--help``: what is used daily first. Each is a command of that name in a module of that name."""

_HELP = """USB devices of this machine in a virtual machine, or the other way round, with no IP network between them.

On the host, run 'wslusb serve' and share a device with 'wslusb bind'. In the guest, run 'wslusb agent'. Then, on
either side, 'wslusb attach DEVICE' puts it into the guest, and 'wslusb detach DEVICE' gives it back.

A DEVICE is named by its busid (2-4), VID:PID (0403:6001), serial number or instance id: see 'wslusb list'.
"""
_EPILOG = """\b
Exit codes: 0 success, 1 failure, 2 wrong usage, 3 access denied, 4 cancelled, 5 diverged.
Environment: WSLUSB_STATE_DIR (which devices are shared), WSLUSB_RUNTIME_DIR (control sockets),
WSLUSB_DEBUG=1 (tracebacks).
"""


class Program(Ending):
    """The group of all verbs."""

    program = "wslusb"
    called = "wslusb"
    verbs: ClassVar[Mapping[str, str]] = dict(zip(VERBS, VERBS, strict=True))
    unlisted: ClassVar[Mapping[str, str]] = {"help": "help"}


def _version(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        from .. import __version__

        output.result(f"wslusb {__version__}")
        context.exit()


@click.group("wslusb", cls=Program, help=_HELP, epilog=_EPILOG)
@click.option(
    "-V",
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Show the version and exit.",
)
@click.option("--debug", is_flag=True, help="Show tracebacks of errors (or set WSLUSB_DEBUG=1).")
def program(*, debug: bool) -> None:
    """The options before the verb."""
    if debug:
        os.environ["WSLUSB_DEBUG"] = "1"
