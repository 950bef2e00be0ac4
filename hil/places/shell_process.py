"""A process at the far end of a command such as ssh, that can be signalled and that ends when its starter does."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING

from hil.errors import CommandFailedError, CommandTimeoutError
from hil.vm.remote import Result

if TYPE_CHECKING:
    from hil.places.shell import ShellPlace

__all__ = ["ShellProcess", "watched"]

_STDERR, _STDOUT = "stderr", "stdout"
_PID = re.compile(rb"wslusb-hil pid (\d+)\n")
_LIFELINE = """\
echo "wslusb-hil pid $$" >&2
if [ "$0" = watched ]; then
    { cat; kill -TERM -- -$$; } <&0 >/dev/null 2>&1 &
    exec "$@" </dev/null
fi
exec "$@"
"""
"""Tells the process group's number, and ends the group when standard input does: its other end is this program's."""
_READER_SECONDS = 5.0


def watched(words: Sequence[str], *, fed: bool) -> list[str]:
    """The command line that runs ``words`` as a process group of its own; ``fed`` if it reads standard input."""
    return ["setsid", "-w", "bash", "-c", _LIFELINE, "fed" if fed else "watched", *words]


class ShellProcess:
    """One command. Output is collected by two threads; what it is fed at the start is all that it can read."""

    def __init__(self, place: ShellPlace, command: str, words: Sequence[str], stdin: bytes) -> None:
        self.command = command
        self._pid: int | None = None
        self.returncode: int | None = None
        self.most_bytes: int | None = None
        """It is ended when it has printed more, and :meth:`wait` raises."""
        self._place = place
        self._size = 0
        self._chunks: list[tuple[str, bytes]] = []
        self._changed = threading.Condition()
        self._started_at = time.monotonic()
        self._head: bytes | None = b""
        try:
            self._process = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        except OSError as error:
            raise CommandFailedError(place.name, f"cannot run {words[0]}: {error.strerror}") from error
        self._readers = [
            threading.Thread(target=self._read, args=(name, getattr(self._process, name)), daemon=True)
            for name in (_STDOUT, _STDERR)
        ]
        for reader in self._readers:
            reader.start()
        if stdin:
            self._feed(stdin)

    @property
    def pid(self) -> int | None:
        """Its number over there, and its group's: what it prints may be here before that is. None if it never comes."""
        with self._changed:
            self._changed.wait_for(lambda: self._pid is not None or not self.running, _READER_SECONDS)
        return self._pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.returncode is None and self._process.poll() is None

    @property
    def output(self) -> str:
        """What it has printed up to now."""
        return self.raw(_STDOUT, _STDERR).decode(errors="replace")

    @property
    def stdout(self) -> str:
        """What it has printed to standard output up to now."""
        return self.raw(_STDOUT).decode(errors="replace")

    def raw(self, *streams: str) -> bytes:
        """The bytes of these streams, in the order of arrival."""
        with self._changed:
            return b"".join(data for stream, data in self._chunks if stream in streams)

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal to its process group (nothing happens when that is gone)."""
        pid = self.pid
        if pid is None:
            self._process.kill()
        elif self.running:
            self._place.run(["kill", f"-{int(number)}", "--", f"-{pid}"], check=False, timeout=20)

    def wait(self, timeout: float = 60.0) -> Result:
        """Wait for its end."""
        try:
            status = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            said = f"; it said:\n{self.output[-4000:]}" if self.output else ""
            raise CommandTimeoutError(
                self._place.name, f"no end of `{self.command}` within {timeout:g} s{said}"
            ) from None
        self._close()
        self.returncode = status
        if self._is_flood():
            raise CommandFailedError(self._place.name, f"`{self.command}` was ended: it printed more and more")
        seconds = time.monotonic() - self._started_at
        stderr = self.raw(_STDERR).decode(errors="replace")
        return Result(self.command, self.returncode, self.stdout, stderr, self.output, seconds)

    def wait_for_output(self, pattern: str, timeout: float = 30.0) -> re.Match[str]:
        """Wait until its output matches."""
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            ended = not self.running
            if found := re.search(pattern, self.output):
                return found
            if ended:
                what = f"`{self.command}` ended ({self.wait().returncode}) before {pattern!r}: {self.output}"
                raise CommandFailedError(self._place.name, what)
            with self._changed:
                self._changed.wait(min(left, 0.1))
        raise CommandTimeoutError(
            self._place.name, f"no {pattern!r} of `{self.command}` within {timeout:g} s; it said:\n{self.output}"
        )

    def _feed(self, data: bytes) -> None:
        assert self._process.stdin is not None  # noqa: S101
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(data)
            self._process.stdin.close()

    def _read(self, stream: str, pipe: IO[bytes]) -> None:
        """Until its end: that of the last process which has inherited it, whatever has become of the command."""
        with pipe:
            while data := pipe.read1(1 << 16):  # type: ignore[attr-defined]  # Popen's pipes are buffered readers
                with self._changed:
                    self._chunks.append((stream, self._without_pid(data) if stream == _STDERR else data))
                    self._size += len(data)
                    self._changed.notify_all()
                if self._is_flood():
                    self._process.kill()
                    break
        with self._changed:
            self._changed.notify_all()

    def _is_flood(self) -> bool:
        return self.most_bytes is not None and self._size > self.most_bytes

    def _without_pid(self, data: bytes) -> bytes:
        """Standard error without the line that :data:`_LIFELINE` writes (ssh may say something before it)."""
        if self._head is None:
            return data
        self._head += data
        if (found := _PID.search(self._head)) is None:
            return b""
        self._pid = int(found[1])
        rest, self._head = self._head[: found.start()] + self._head[found.end() :], None
        return rest

    def _close(self) -> None:
        """What it has left running in its group ends with standard input; what has a group of its own is left alone."""
        assert self._process.stdin is not None  # noqa: S101
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        deadline = time.monotonic() + _READER_SECONDS
        for reader in self._readers:
            reader.join(max(0.0, deadline - time.monotonic()))
        if self._head:
            self._chunks.append((_STDERR, self._head))
            self._head = None
