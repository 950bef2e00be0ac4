"""What a user reads: results on stdout, messages on stderr, and exit codes.

A message is one line, ``wslusb: error: what happened.``, and where there is a next step a second one,
``wslusb: hint: what to do.``
"""

from __future__ import annotations

import contextlib
import enum
import json
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import click

from ..errors import DeviceError, LocalError, LocalReason, WslusbError
from ..printable import printable

__all__ = [
    "ExitCode",
    "error",
    "exit_code",
    "hint",
    "info",
    "result",
    "result_json",
    "speaking_as",
    "warning",
]


class ExitCode(enum.IntEnum):
    """How the process ends (docs/cli.md, as usbipd-win has them)."""

    SUCCESS = 0
    FAILURE = 1
    USAGE = 2
    ACCESS_DENIED = 3
    CANCELLED = 4
    DIVERGED = 5


_program = ContextVar("program", default="wslusb")


@contextlib.contextmanager
def speaking_as(program: str) -> Iterator[None]:
    """Messages are those of ``program``."""
    token = _program.set(program)
    try:
        yield
    finally:
        _program.reset(token)


def _message(kind: str, text: str) -> None:
    line = printable(" ".join(text.split()))
    click.echo(f"{_program.get()}: {kind}: {line}{'' if line.endswith(('.', '?', '!')) else '.'}", err=True)


def error(text: str, hint_text: str = "") -> None:
    """Something that was asked for did not happen."""
    _message("error", text)
    hint(hint_text)


def warning(text: str, hint_text: str = "") -> None:
    """Something will not work as the user may expect."""
    _message("warning", text)
    hint(hint_text)


def info(text: str, hint_text: str = "") -> None:
    """Something that is good to know."""
    _message("info", text)
    hint(hint_text)


def hint(text: str) -> None:
    """The next step to take, if there is one."""
    if text:
        _message("hint", text)


def result(text: str) -> None:
    """What was asked for, on stdout. No colour, no wrapping."""
    click.echo(text)


def result_json(schema: str, body: dict[str, Any]) -> None:
    """What was asked for, for programs. ``schema`` is a name and a version that grows when a field changes meaning."""
    click.echo(json.dumps({"schema": schema, **body}, indent=2 if sys.stdout.isatty() else None))


def exit_code(problem: WslusbError) -> ExitCode:
    """The code that a failure ends the process with."""
    if isinstance(problem, DeviceError):
        from ..usb.urb import Status

        return ExitCode.ACCESS_DENIED if problem.status == Status.ACCESS_DENIED else ExitCode.FAILURE
    reason = problem.reason if isinstance(problem, LocalError) else None
    return {LocalReason.ACCESS_DENIED: ExitCode.ACCESS_DENIED, LocalReason.BAD_ADDRESS: ExitCode.USAGE}.get(
        reason or LocalReason.BAD_STATE, ExitCode.FAILURE
    )
