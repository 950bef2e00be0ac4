"""What the suite asks of a machine, wherever it is; :class:`hil.vm.machine.Machine` and :class:`ShellPlace` have it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from hil.vm.remote import Command, Result

__all__ = ["Place", "PlaceProcess"]


class PlaceProcess(Protocol):
    """A process in a place; its whole group gets the signals."""

    returncode: int | None

    @property
    def pid(self) -> int | None:
        """Its number, and its group's."""

    @property
    def running(self) -> bool:
        """Whether it has not ended, as far as is known."""

    @property
    def output(self) -> str:
        """What it has printed up to now, both streams."""

    @property
    def stdout(self) -> str:
        """What it has printed to standard output up to now."""

    def kill(self, number: int = 9) -> None:
        """Send a signal to its process group."""

    def wait(self, timeout: float = 60.0) -> Result:
        """Wait for its end. CommandTimeoutError leaves it running."""

    def wait_for_output(self, pattern: str, timeout: float = 30.0) -> re.Match[str]:
        """Wait until its output matches. CommandFailedError if it ends before."""


class Place(Protocol):
    """A machine that commands run on, as root where devices need it. A string is a bash script."""

    name: str

    @property
    def release(self) -> str:
        """Its kernel's release."""

    def start(self, command: Command, *, env: Mapping[str, str] | None = None, stdin: bytes = b"") -> PlaceProcess:
        """Start a command in the background, in the checkout."""

    def run(
        self, command: Command, *, timeout: float = 60.0, check: bool = True, env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> Result:  # fmt: skip
        """Run a command to its end. CommandFailedError unless it succeeds, or ``check`` is False."""

    def python(
        self, *arguments: str | Path, timeout: float = 60.0, check: bool = True, env: Mapping[str, str] | None = None
    ) -> Result:
        """Run a Python interpreter that has wslusb, from the checkout."""

    @property
    def interpreter(self) -> str:
        """That interpreter's path in the place."""

    def put(self, path: str | Path, data: bytes, mode: int = 0o644) -> None:
        """Write a file there."""

    def get(self, path: str | Path) -> bytes:
        """Read a file there."""

    def dmesg(self) -> str:
        """Its kernel's log."""
