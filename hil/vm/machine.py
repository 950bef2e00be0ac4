"""What every virtual machine of a rig can do, whatever emulates it: run commands, move files, tell its log, die."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from hil.errors import CommandFailedError, CommandTimeoutError, MachineDiedError, RigError
from hil.vm.link import AgentLink
from hil.vm.remote import Command, Process, Result

__all__ = ["AGENT", "INIT", "PROJECT", "STOP_SECONDS", "Machine", "kernel_words"]

PROJECT = Path(__file__).resolve().parents[2]
"""The checkout: the same path in every machine, and the working directory of commands."""

INIT = Path(__file__).with_name("init")
AGENT = Path(__file__).with_name("agent.py")
CONSOLE_TAIL = 4000
STOP_SECONDS = 10.0


@contextlib.contextmanager
def pinned(cpu: int | None) -> Iterator[None]:
    """What this thread starts meanwhile stays on this processor; `None` for any."""
    if cpu is None:
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


class Machine:
    """A running virtual machine. Subclasses give the command line; `boot_seconds` is how long it may take."""

    boot_seconds = 60.0
    channel_window: int | None = None
    cpu: int | None = None
    """The processor that it is kept on, if any."""

    def __init__(self, name: str, directory: Path, shared: Path) -> None:
        self.name = name
        self.shared = shared
        self.console_path = directory / f"{name}.console"
        self._ours, self._theirs = socket.socketpair()
        self._process: subprocess.Popen[bytes] | None = None
        self._link: AgentLink | None = None
        self.is_joined: Callable[[], bool] = lambda: True
        """Whether what joins it to the other machine of its rig is there."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def alive(self) -> bool:
        """Whether its process runs, and its agent and the other machine can be reached."""
        return (
            self._link is not None and self._link.alive and self._process is not None and self._process.poll() is None
        ) and self.is_joined()

    @property
    def release(self) -> str:
        """Its kernel's release."""
        return str((self.link.hello or {}).get("release", ""))

    @property
    def interpreter(self) -> str:
        """The tests' own Python: the machine sees the same file system."""
        return sys.executable

    @property
    def link(self) -> AgentLink:
        """The channel to its agent."""
        if self._link is None:
            raise RigError(f"{self.name} is not switched on")
        return self._link

    def power_on(self) -> None:
        """Start the machine's process; `wait_booted` waits for its agent."""
        with self.console_path.open("wb") as console, pinned(self.cpu):
            self._process = subprocess.Popen(
                [str(word) for word in self.command_line()],
                stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT,
                pass_fds=[fd.fileno() for fd in self.inherited()], start_new_session=True,
            )  # fmt: skip
        for fd in self.inherited():
            fd.close()
        self._link = AgentLink(self.name, self._ours, self.console, self.channel_window)

    def wait_booted(self, timeout: float | None = None) -> Self:
        """Wait for the agent."""
        self.link.wait_hello(timeout or self.boot_seconds)
        return self

    def command_line(self) -> Sequence[str | Path]:
        """The argument vector of the emulator's process."""
        raise NotImplementedError

    def inherited(self) -> Sequence[socket.socket]:
        """The sockets that the emulator gets from this process."""
        return [self._theirs]

    def start(
        self, command: Command, *, env: Mapping[str, str] | None = None, cwd: str | Path = PROJECT, stdin: bytes = b""
    ) -> Process:
        """Start a command in the background."""
        return self.link.start(command, env=env, cwd=cwd, stdin=stdin)

    def run(
        self, command: Command, *, timeout: float = 60.0, check: bool = True, env: Mapping[str, str] | None = None,
        cwd: str | Path = PROJECT, stdin: bytes = b"",
    ) -> Result:  # fmt: skip
        """Run a command to its end. A string is a bash script. Failure raises, unless `check=False`."""
        process = self.start(command, env=env, cwd=cwd, stdin=stdin)
        try:
            result = process.wait(timeout)
        except CommandTimeoutError:
            with contextlib.suppress(MachineDiedError):
                process.kill()
            raise
        if check and result.returncode:
            raise CommandFailedError(
                self.name, f"`{result.command}` ended with {result.returncode}:\n{result.output}", self.console()
            )
        return result

    def python(
        self, *arguments: str | Path, timeout: float = 60.0, check: bool = True, env: Mapping[str, str] | None = None
    ) -> Result:
        """Run the tests' own Python interpreter in the machine, from the checkout."""
        return self.run([sys.executable, *arguments], timeout=timeout, check=check, env=env)

    def wait_until(self, condition: str, timeout: float = 30.0) -> None:
        """Wait until a bash condition holds: `[ -b /dev/sda ]`."""
        self.run(f"until {condition}; do sleep 0.1; done", timeout=timeout)

    def put(self, path: str | Path, data: bytes, mode: int = 0o644) -> None:
        """Write a file in the machine (big ones travel faster through `shared`)."""
        self.link.put(path, data, mode)

    def get(self, path: str | Path) -> bytes:
        """Read a file of the machine."""
        return self.link.get(path)

    def dmesg(self) -> str:
        """The kernel's log; what the console caught of it when the machine is dead."""
        try:
            return self.run(["busybox", "dmesg"], check=False, timeout=15, cwd="/").output
        except RigError:
            return self.console(1 << 20)

    def console(self, last: int = CONSOLE_TAIL) -> str:
        """The end of what the machine's console said."""
        with contextlib.suppress(FileNotFoundError):
            return self.console_path.read_bytes()[-last:].decode(errors="replace")
        return ""

    def kill(self) -> None:
        """Pull the plug: SIGKILL to all of the emulator's processes."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(STOP_SECONDS)

    def stop(self) -> None:
        """End the machine and free what it holds. Its disks are made of memory: there is nothing to shut down."""
        self.kill()
        if self._link is not None:
            self._link.close()
        for fd in (self._ours, self._theirs):
            fd.close()


def kernel_words(values: Mapping[str, object]) -> list[str]:
    """`key=value` words of a kernel command line; the kernel would cut a value at white space."""
    words = [f"{key}={value}" for key, value in values.items()]
    for word in words:
        if len(word.split()) != 1:
            raise RigError(f"{word!r} cannot stand on a kernel command line: it contains white space")
    return words
