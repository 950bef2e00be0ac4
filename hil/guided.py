"""Guided mode: where no hub switches a device's power, a person does, and is told when, and seen doing it.

It talks on ``/dev/tty``, not on standard output: pytest captures that, and a log may take it. So a question is seen
under ``pytest`` with any ``--capture``, and nothing of it is in the output of a test.
"""

from __future__ import annotations

import contextlib
import os
import select
import termios
import time
import tty
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TextIO

from rich.console import Console
from rich.text import Text

from hil.errors import WantingError
from wslusb.printable import printable

__all__ = ["Ask", "Step", "StepSkippedError", "Terminal"]

TTY = Path("/dev/tty")
SKIP_KEY = "s"
_POLL_SECONDS = 0.1
_LATE = "not done within {seconds:g} s"


class StepSkippedError(WantingError):
    """Nobody did what was asked for: a test that needs it is to be skipped, with this as its reason."""


@dataclass(slots=True, frozen=True)
class Step:
    """How far what was asked for is: done or not, and something to tell the person, if anything."""

    done: bool
    remark: str = ""


class Ask(Protocol):
    """Somebody who can be asked to do something with their hands."""

    @property
    def reason(self) -> str:
        """Why nobody can be asked; "" if somebody can."""

    def until(self, request: str, look: Callable[[], Step], seconds: float, /) -> None:
        """Ask, and look again and again until it is done. StepSkippedError: not wanted, or not within ``seconds``."""

    def say(self, text: str) -> None:
        """Tell something that needs no answer."""


class Terminal:
    """A person at the terminal that this process was started from. ``s`` skips, Ctrl-C is a KeyboardInterrupt."""

    def __init__(self, path: Path = TTY, environment: Mapping[str, str] | None = None) -> None:
        self._path = path
        self._environment = os.environ if environment is None else environment

    @property
    def reason(self) -> str:
        """See :class:`Ask`."""
        if "PYTEST_XDIST_WORKER" in self._environment:
            return "guided mode asks from one process: run it without -n"
        try:
            with self._path.open("rb", buffering=0) as file:
                if os.tcgetpgrp(file.fileno()) != os.getpgrp():
                    return "guided mode asks at a terminal, and this runs in the background of one"
        except OSError:
            return "guided mode asks at a terminal, and there is none here"
        return ""

    def say(self, text: str) -> None:
        """See :class:`Ask`."""
        with contextlib.suppress(OSError), self._console() as (console, _):
            console.print(_line(text))

    def until(self, request: str, look: Callable[[], Step], seconds: float) -> None:
        """See :class:`Ask`."""
        if self.reason:
            raise StepSkippedError(self.reason)
        try:
            self._until(request, look, seconds)
        except OSError as error:
            raise StepSkippedError("the terminal has gone") from error

    def _until(self, request: str, look: Callable[[], Step], seconds: float) -> None:
        with self._console() as (console, keys), _keys_at_once(keys):
            console.print()  # pytest may be in the middle of a line
            console.print(_line(request), style="bold")
            text = _wait(console, keys, look, seconds)
            console.print(_line(text), style="green")

    @contextlib.contextmanager
    def _console(self) -> Iterator[tuple[Console, TextIO]]:
        with self._path.open("r+b", buffering=0) as raw, open(raw.fileno(), "w", closefd=False) as out:
            yield Console(file=out, force_terminal=True, highlight=False), out


def _wait(console: Console, keys: TextIO, look: Callable[[], Step], seconds: float) -> str:
    started, told = time.monotonic(), ""
    with console.status("") as status:
        while (passed := time.monotonic() - started) < seconds:
            step = look()
            if step.done:
                return f"{step.remark or 'done'} ({passed:.1f} s)"
            if step.remark and step.remark != told:
                told = step.remark
                console.print(_line(told), style="yellow")
            status.update(f"waiting, {seconds - passed:.0f} s left. {SKIP_KEY} skips, Ctrl-C ends all")
            if SKIP_KEY in _pressed(keys):
                raise StepSkippedError("skipped by whoever was asked")
    raise StepSkippedError(_LATE.format(seconds=seconds))


def _pressed(keys: TextIO) -> str:
    """The keys that have been pressed, after a moment. OSError if there is nobody any more."""
    if not select.select([keys], [], [], _POLL_SECONDS)[0]:
        return ""
    if not (data := os.read(keys.fileno(), 64)):
        raise OSError("end of file")
    return data.decode(errors="replace")


@contextlib.contextmanager
def _keys_at_once(file: TextIO) -> Iterator[None]:
    """Keys are read as they are pressed, and not shown; Ctrl-C stays a signal."""
    before = termios.tcgetattr(file)
    tty.setcbreak(file, termios.TCSADRAIN)
    try:
        yield
    finally:
        termios.tcsetattr(file, termios.TCSADRAIN, before)


def _line(text: str) -> Text:
    return Text(printable(text))
