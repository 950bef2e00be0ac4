"""A process in a virtual machine as an object of the test outside."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from types import TracebackType
from typing import TYPE_CHECKING, Self

from hil.errors import CommandFailedError
from hil.vm.agent import Message

if TYPE_CHECKING:
    from hil.vm.link import AgentLink

__all__ = ["Command", "Process", "Result"]

Command = str | Sequence[str | PathLike[str]]
"""A shell script as a string, or an argument vector."""


@dataclass(frozen=True)
class Result:
    """How a command in a machine ended and what it said; `output` is both streams in the order of arrival."""

    command: str
    returncode: int
    stdout: str
    stderr: str
    output: str
    seconds: float


class Process:
    """A process in a machine. As a context manager it is killed, with its whole group, on the way out."""

    def __init__(self, link: AgentLink, number: int, command: str) -> None:
        self._link = link
        self.number = number
        self._chunks: list[tuple[str, bytes]] = []
        self._started_at = time.monotonic()
        self._seconds = 0.0
        self.command = command
        self.pid: int | None = None
        self.returncode: int | None = None
        self.error: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.running:
            self.kill()
            self.wait(10)

    @property
    def running(self) -> bool:
        """Whether it has been started and has not ended, as far as the machine said."""
        return self.returncode is None and self.error is None and self._link.alive

    @property
    def output(self) -> str:
        """What it has printed up to now."""
        return self._text("stdout", "stderr")

    @property
    def stdout(self) -> str:
        """What it has printed to standard output up to now."""
        return self._text("stdout")

    @property
    def stderr(self) -> str:
        """What it has printed to standard error up to now."""
        return self._text("stderr")

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal to its process group (nothing happens when that is gone)."""
        self._link.send({"op": "signal", "id": self.number, "signal": int(number)})

    def wait(self, timeout: float = 60.0) -> Result:
        """Wait for its end; `CommandTimeoutError` leaves it running."""
        self._link.wait_for(lambda: self.returncode is not None or self.error, timeout, self)
        if self.error is not None:
            raise CommandFailedError(self._link.name, f"cannot run {self.command}: {self.error}")
        assert self.returncode is not None  # noqa: S101 - the wait above saw one of the two
        return Result(self.command, self.returncode, self.stdout, self.stderr, self.output, self._seconds)

    def wait_for_output(self, pattern: str, timeout: float = 30.0) -> re.Match[str]:
        """Wait until its output matches; its early end is an error with what it said."""
        self._link.wait_for(lambda: re.search(pattern, self.output) or not self.running, timeout, self, f"{pattern!r}")
        if found := re.search(pattern, self.output):
            return found
        ended = f"`{self.command}` ended ({self.returncode}) before {pattern!r}"
        raise CommandFailedError(self._link.name, f"{ended}: {self.error or self.output}")

    def feed(self, message: Message, data: bytes) -> None:
        """Take note of a frame from the agent (called on the reader's thread, under the link's lock)."""
        match message["op"]:
            case "started":
                self.pid = message["pid"]
            case "output":
                self._chunks.append((message["stream"], data))
            case "data":
                self._chunks.append(("data", data))
            case "exit":
                self._seconds = time.monotonic() - self._started_at
                self.returncode = message["status"]
            case "done":
                self.returncode = 0
            case "error":
                self.error = message["message"]

    def raw(self, *streams: str) -> bytes:
        """The bytes of these streams, in the order of arrival."""
        return b"".join(data for stream, data in list(self._chunks) if stream in streams)

    def _text(self, *streams: str) -> str:
        return self.raw(*streams).decode(errors="replace")
