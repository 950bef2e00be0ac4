"""The program inside a virtual machine that does what the test outside asks.

It runs as PID 1 on the far end of a byte channel (a UML serial line, a QEMU virtio port), starts processes,
streams what they print, forwards signals, moves files and powers the machine off. Everything it needs is in
this file and in the standard library: `python -I -S agent.py /dev/ttyS0`.

UML's serial line loses its interrupt for ever when the terminal behind it is throttled, so on a terminal every
read is acknowledged with the number of bytes taken so far, and the other side keeps what is under way below
`TTY_WINDOW`.

A frame is two big-endian lengths, then a JSON object, then raw bytes that belong to it (output, file content).
When the channel ends, the test that owned the machine is gone, and the machine goes too.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import tty
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

__all__ = ["CHUNK", "TTY_WINDOW", "Agent", "Decoder", "Message", "encode"]

PREFIX = struct.Struct(">II")
CHUNK = 1 << 16
MAX_FRAME = 1 << 24
PROTOCOL = 1
TTY_WINDOW = 3072

Message = dict[str, Any]


def encode(message: Message, data: bytes = b"") -> bytes:
    """One frame as bytes."""
    head = json.dumps(message, separators=(",", ":")).encode()
    return PREFIX.pack(len(head), len(data)) + head + data


class Decoder:
    """Cuts a byte stream into frames, however it was chopped on its way."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[Message, bytes]]:
        """The frames that are complete with these bytes."""
        self._buffer += data
        while len(self._buffer) >= PREFIX.size:
            head, body = PREFIX.unpack_from(self._buffer)
            if head + body > MAX_FRAME:
                raise ValueError(f"a frame of {head} + {body} bytes: the channel is out of step")
            end = PREFIX.size + head + body
            if len(self._buffer) < end:
                return
            frame = bytes(self._buffer[PREFIX.size : end])
            del self._buffer[:end]
            yield json.loads(frame[:head]), frame[head:]


class Job:
    """A process started for the other side, with the pipes that it, or a child that outlived it, writes to."""

    def __init__(self, number: int, process: subprocess.Popen[bytes]) -> None:
        self.number = number
        self.process = process
        self.pipes: dict[str, IO[bytes]] = {}
        if process.stdout:
            self.pipes["stdout"] = process.stdout
        if process.stderr:
            self.pipes["stderr"] = process.stderr


class Agent:
    """A single-threaded loop over the channel, the jobs' pipes and SIGCHLD."""

    def __init__(self, channel: int) -> None:
        self._channel = channel
        self._acknowledges = os.isatty(channel)
        self._taken = 0
        self._decoder = Decoder()
        self._jobs: dict[int, Job] = {}
        self._selector = selectors.DefaultSelector()
        self._child_read, self._child_write = os.pipe()
        for end in (self._child_read, self._child_write):
            os.set_blocking(end, False)

    def run(self) -> None:
        """Serve until the channel ends."""
        signal.set_wakeup_fd(self._child_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector.register(self._channel, selectors.EVENT_READ, self._on_channel)
        self._selector.register(self._child_read, selectors.EVENT_READ, self._on_child)
        self._send({"op": "hello", "protocol": PROTOCOL, "release": os.uname().release, "pid": os.getpid()})
        with contextlib.suppress(EOFError):
            while True:
                for key, _ in self._selector.select():
                    key.data()

    def _send(self, message: Message, data: bytes = b"") -> None:
        view = memoryview(encode(message, data))
        while view:
            try:
                view = view[os.write(self._channel, view) :]
            except OSError as error:
                raise EOFError from error

    def _on_channel(self) -> None:
        try:
            data = os.read(self._channel, CHUNK)
        except OSError:
            data = b""
        if not data:
            raise EOFError
        if self._acknowledges:
            self._taken += len(data)
            self._send({"op": "ack", "taken": self._taken})
        for message, body in self._decoder.feed(data):
            try:
                getattr(self, "do_" + message["op"])(message, body)
            except (OSError, ValueError, AttributeError, KeyError) as error:
                self._send({"op": "error", "id": message.get("id"), "message": f"{error}"})

    def do_spawn(self, message: Message, body: bytes) -> None:
        """Start a process in a session of its own; `body` is all that it will find on its standard input."""
        with tempfile.TemporaryFile() as stdin:
            stdin.write(body)
            stdin.seek(0)
            process = subprocess.Popen(
                message["argv"], stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                cwd=message.get("cwd"), env={**os.environ, **message.get("env", {})}, start_new_session=True,
            )  # fmt: skip
        job = Job(message["id"], process)
        self._jobs[job.number] = job
        for stream, pipe in job.pipes.items():
            os.set_blocking(pipe.fileno(), False)
            self._selector.register(pipe, selectors.EVENT_READ, lambda s=stream: self._on_output(job, s))
        self._send({"op": "started", "id": job.number, "pid": process.pid})

    def do_signal(self, message: Message, _: bytes) -> None:
        """Signal the whole process group: a killed shell must not leave its children behind."""
        job = self._jobs.get(message["id"])
        if job:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(job.process.pid, message["signal"])

    def do_put(self, message: Message, body: bytes) -> None:
        """Write one piece of a file at its offset; the last one is acknowledged."""
        flags = os.O_WRONLY | os.O_CREAT | (0 if message["offset"] else os.O_TRUNC)
        fd = os.open(message["path"], flags, message["mode"])
        with os.fdopen(fd, "wb") as file:
            file.seek(message["offset"])
            file.write(body)
        if message["last"]:
            self._send({"op": "done", "id": message["id"]})

    def do_get(self, message: Message, _: bytes) -> None:
        """Send a file in pieces (it may be one of /proc or /sys, so its size means nothing)."""
        with Path(message["path"]).open("rb") as file:
            while piece := file.read(CHUNK):
                self._send({"op": "data", "id": message["id"]}, piece)
        self._send({"op": "done", "id": message["id"]})

    def _on_output(self, job: Job, stream: str) -> bool:
        """Forward what a pipe holds; False when there is nothing to be had now."""
        pipe = job.pipes.get(stream)
        if pipe is None:  # closed by an exit that was handled in the same round of events
            return False
        try:
            data = os.read(pipe.fileno(), CHUNK)
        except BlockingIOError:
            return False
        if data:
            self._send({"op": "output", "id": job.number, "stream": stream}, data)
            return True
        self._selector.unregister(pipe)
        job.pipes.pop(stream).close()
        self._forget_if_over(job)
        return False

    def _on_child(self) -> None:
        """Reap: as PID 1 this includes orphans that nobody asked for."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._child_read, CHUNK)
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                job = next(
                    (j for j in self._jobs.values() if j.process.pid == pid and j.process.returncode is None), None
                )
                if job:
                    self._on_exit(job, os.waitstatus_to_exitcode(status))

    def _on_exit(self, job: Job, code: int) -> None:
        """Report the exit now, after its own last words: a daemon it left may hold the pipes for ever."""
        job.process.returncode = code
        for stream in list(job.pipes):
            while stream in job.pipes and self._on_output(job, stream):
                pass
        self._send({"op": "exit", "id": job.number, "status": code})
        self._forget_if_over(job)

    def _forget_if_over(self, job: Job) -> None:
        if not job.pipes and job.process.returncode is not None:
            self._jobs.pop(job.number, None)


def open_channel(name: str) -> int:
    """A descriptor (`fd:3`) or a device; a terminal is made transparent to bytes."""
    if name.startswith("fd:"):
        return int(name[3:])
    fd = os.open(name, os.O_RDWR | os.O_NOCTTY)
    if os.isatty(fd):
        tty.setraw(fd, termios.TCSANOW)
    return fd


def main() -> None:
    """Serve, then take the machine down with us."""
    Agent(open_channel(sys.argv[1])).run()
    if os.getpid() == 1:
        os.execvp("busybox", ["busybox", "poweroff", "-f"])  # noqa: S606


if __name__ == "__main__":
    main()
