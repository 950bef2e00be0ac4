"""A machine that is reached by a command: this one (no command), ``ssh``, ``wsl.exe``, ``docker exec``, ..."""

from __future__ import annotations

import contextlib
import functools
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from hil.errors import CommandFailedError, CommandTimeoutError
from hil.places.shell_process import ShellProcess, watched
from hil.vm.machine import PROJECT
from hil.vm.remote import Command, Result

__all__ = ["ShellPlace", "local", "ssh", "wsl"]

_FILE_SECONDS = 120.0
_KILLED_SECONDS = 5.0
_MOST_BYTES = 64 << 20
"""What a command may print that is waited for."""


class ShellPlace:
    """Commands by way of ``prefix``.

    ``joined``: the far side joins the words of the command with blanks and has a shell read them again, as ssh does.
    ``interpreter`` and ``directory`` are over there: a Python that has wslusb, and the checkout.
    """

    def __init__(
        self, name: str, prefix: Sequence[str] = (), *, joined: bool = False, interpreter: str = "python3",
        directory: str | Path | None = None,
    ) -> None:  # fmt: skip
        self.name = name
        self.interpreter = interpreter
        self._prefix = list(prefix)
        self._joined = joined
        self._directory = directory

    @property
    def is_here(self) -> bool:
        """Whether it is this very machine."""
        return not self._prefix

    @functools.cached_property
    def release(self) -> str:
        """Its kernel's release."""
        return self.run(["uname", "-r"], timeout=20).stdout.strip()

    def start(self, command: Command, *, env: Mapping[str, str] | None = None, stdin: bytes = b"") -> ShellProcess:
        """See :class:`hil.places.place.Place`. The process ends when this program does."""
        words = ["bash", "-c", command] if isinstance(command, str) else [str(word) for word in command]
        said = command if isinstance(command, str) else shlex.join(words)
        return ShellProcess(self, said, self.command_line(watched(words, fed=bool(stdin)), env or {}), stdin)

    def command_line(self, words: Sequence[str], env: Mapping[str, str]) -> list[str]:
        """The words that are run here to have those run there."""
        assigned = ["env", *(f"{key}={value}" for key, value in env.items())] if env else []
        moved = ["bash", "-c", f'cd {shlex.quote(str(self._directory))} && exec "$@"', "-"] if self._directory else []
        whole = [*moved, *assigned, *words]
        return [*self._prefix, shlex.join(whole)] if self._joined else [*self._prefix, *whole]

    def run(
        self, command: Command, *, timeout: float = 60.0, check: bool = True, env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> Result:  # fmt: skip
        """See :class:`hil.places.place.Place`."""
        process = self.start(command, env=env, stdin=stdin)
        process.most_bytes = _MOST_BYTES
        try:
            result = process.wait(timeout)
        except CommandTimeoutError:
            process.kill()
            with contextlib.suppress(CommandTimeoutError):  # a connection that hangs hangs still
                process.wait(_KILLED_SECONDS)
            raise
        if check and result.returncode:
            raise CommandFailedError(self.name, f"`{result.command}` ended with {result.returncode}:\n{result.output}")
        return result

    def python(
        self, *arguments: str | Path, timeout: float = 60.0, check: bool = True, env: Mapping[str, str] | None = None
    ) -> Result:
        """See :class:`hil.places.place.Place`."""
        return self.run([self.interpreter, *arguments], timeout=timeout, check=check, env=env)

    def put(self, path: str | Path, data: bytes, mode: int = 0o644) -> None:
        """Write a file there."""
        script = f"cat >{shlex.quote(str(path))} && chmod {mode:o} {shlex.quote(str(path))}"
        self.run(script, stdin=data, timeout=_FILE_SECONDS)

    def get(self, path: str | Path) -> bytes:
        """Read a file there."""
        process = self.start(["cat", str(path)])
        result = process.wait(_FILE_SECONDS)
        if result.returncode:
            raise CommandFailedError(self.name, f"cannot read {path}: {result.stderr.strip()}")
        return process.raw("stdout")

    def dmesg(self) -> str:
        """Its kernel's log, or why it cannot be read."""
        return self.run(["dmesg"], check=False, timeout=20).output


def local() -> ShellPlace:
    """This machine, and the interpreter that runs here."""
    return ShellPlace("this machine", interpreter=sys.executable, directory=PROJECT)


def ssh(address: str, *, interpreter: str = "python3", directory: str | None = None) -> ShellPlace:
    """A machine that ``ssh ADDRESS`` reaches without a question: keys and known hosts are the user's to set up."""
    prefix = ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", address, "--"]
    return ShellPlace(address, prefix, joined=True, interpreter=interpreter, directory=directory)


def wsl(distribution: str, *, interpreter: str = "python3", directory: str | None = None) -> ShellPlace:
    """A WSL2 distribution of this Windows machine, as root."""
    prefix = ["wsl.exe", "-d", distribution, "-u", "root", "--exec"]
    return ShellPlace(f"WSL {distribution}", prefix, interpreter=interpreter, directory=directory)
