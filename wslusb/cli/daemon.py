"""What ``serve`` and ``agent`` have in common: they run in the foreground, log to stderr, and end cleanly."""

from __future__ import annotations

import contextlib
import errno
import gc
import logging
import os
import signal
import socket
import sys
import time
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Self

import click

from ..errors import LocalError, LocalReason
from .output import ExitCode

if TYPE_CHECKING:
    from ..control.server import ControlServer, Handler

__all__ = ["Stop", "control_socket", "log_level", "ready", "refuse_second", "serve_control", "start_logging"]

log_level = click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    help="What to log to stderr.",
)
control_socket = click.option(
    "--control",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Where to listen for the other verbs. Default: in WSLUSB_RUNTIME_DIR or /run/wslusb.",
)
_log = logging.getLogger(__name__)

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
_ONE_STOP_SECONDS = 1.0
"""Signals as close as this are one wish to stop: timeout(1) signals its child, and then the group that it is in."""


class Stop:
    """Waits for the signal to end. A later one ends the process at once, for whom the first is too slow."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        self._previous: dict[signal.Signals, Any] = {}
        self._asked: float | None = None
        self._signal = ""

    def __enter__(self) -> Self:
        # The interpreter writes a byte itself: waiting in recv is woken under Windows too, and a handler that only
        # notes the time cannot deadlock on a lock that the main thread holds, as Event.set could.
        self._wakeup = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for name in _SIGNALS:
            if (number := getattr(signal, name, None)) is not None:
                self._previous[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup)
        self._reader.close()
        self._writer.close()

    def wait(self) -> None:
        """Until a signal comes, or :meth:`wake` is called."""
        self._reader.recv(1)
        if self._signal:
            _log.info("ending, by %s", self._signal)

    def wake(self) -> None:
        """Make :meth:`wait` come back, from any thread."""
        self._writer.send(b"\0")

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._asked is None:
            self._asked = now
            self._signal = signal.Signals(number).name
        elif now - self._asked >= _ONE_STOP_SECONDS:
            os._exit(ExitCode.CANCELLED)


def start_logging(level: str) -> None:
    """Log to stderr, with the time."""
    form = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(level=level.upper(), format=form, stream=sys.stderr, force=True)


def ready(line: str) -> None:
    """Tell whoever started this that it has begun. One who has gone away since is no reason to end."""
    spare_collections()
    with contextlib.suppress(OSError):
        click.echo(line, err=True)


def serving(devices: int, where: str) -> None:
    """Tell that a service has begun."""
    ready(f"serving {devices} {'device' if devices == 1 else 'devices'} at {where}")


def spare_collections() -> None:
    """Leave what is loaded by now out of garbage collections, and make those rare.

    The data path makes no cycles, and a collection in the middle of it is a pause of many URBs (docs/performance.md).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def refuse_second(path: Path, what: str) -> None:
    """Make sure that none is running yet, and that there is a folder for the socket. LocalError otherwise."""
    from ..control.client import listening

    if listening(path):
        raise _already(path, what)
    # Others may see that it is there, so that they are told to use sudo; the socket itself is its owner's alone.
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)


def serve_control(path: Path, what: str, handler: Handler) -> ControlServer:
    """Start a control server at ``path``. LocalError if that fails."""
    from ..control.server import ControlServer

    try:
        return ControlServer(path, handler)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise _already(path, what) from error
        denied = isinstance(error, PermissionError)
        reason = LocalReason.ACCESS_DENIED if denied else LocalReason.BAD_STATE
        hint = "use sudo" if denied else "choose another place with --control"
        raise LocalError(reason, f"cannot listen at {path}: {error.strerror or error}", hint=hint) from error


def _already(path: Path, what: str) -> LocalError:
    hint = "stop that one first, or give this one another place with --control"
    return LocalError(LocalReason.ALREADY_RUNNING, f"another {what} is running already, at {path}", hint=hint)
