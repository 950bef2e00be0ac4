"""The test's side of the channel to a machine's agent.

One thread reads the channel and sorts what arrives into the processes; everything else happens in the caller's
thread. A machine that dies wakes every waiter with `MachineDiedError`.
"""

from __future__ import annotations

import itertools
import shlex
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from hil.errors import BootTimeoutError, CommandTimeoutError, MachineDiedError
from hil.vm.agent import CHUNK, Decoder, Message, encode
from hil.vm.remote import Command, Process

__all__ = ["AgentLink"]

ACK_SECONDS = 30.0


class AgentLink:
    """The channel to one machine's agent.

    `console` gives the end of the console for error messages; `window` limits what may be under way to the
    agent, for a channel that acknowledges (see `hil.vm.agent`).
    """

    def __init__(
        self, name: str, channel: socket.socket, console: Callable[[], str] = str, window: int | None = None
    ) -> None:
        self.name = name
        self.alive = True
        self.hello: Message | None = None
        self._channel = channel
        self._console = console
        self._window = window
        self._sent = 0
        self._acknowledged = 0
        self._numbers = itertools.count(1)
        self._processes: dict[int, Process] = {}
        self._changed = threading.Condition()
        self._writing = threading.Lock()
        self._reader = threading.Thread(target=self._read, name=f"agent-{name}", daemon=True)
        self._reader.start()

    def close(self) -> None:
        """Hang up: the agent takes this as the order to power off."""
        try:
            self._channel.shutdown(socket.SHUT_RDWR)
        except OSError:
            self.alive = False
        self._reader.join(5)
        self._channel.close()

    def wait_hello(self, timeout: float) -> Message:
        """Wait for the agent's first word."""
        try:
            self.wait_for(lambda: self.hello, timeout)
        except CommandTimeoutError:
            raise BootTimeoutError(self.name, f"no agent within {timeout:.0f} s of power-on", self._console()) from None
        assert self.hello is not None  # noqa: S101 - see the wait
        return self.hello

    def start(
        self, command: Command, *, env: Mapping[str, str] | None = None, cwd: str | Path | None = None,
        stdin: bytes = b"",
    ) -> Process:  # fmt: skip
        """Start a process and return at once."""
        argv = ["bash", "-c", command] if isinstance(command, str) else [str(word) for word in command]
        process = self._new_process(command if isinstance(command, str) else shlex.join(argv))
        message = {"op": "spawn", "id": process.number, "argv": argv, "env": dict(env or {})}
        if cwd is not None:
            message["cwd"] = str(cwd)
        self.send(message, stdin)
        return process

    def put(self, path: str | Path, data: bytes, mode: int = 0o644, timeout: float = 60.0) -> None:
        """Write a file in the machine."""
        transfer = self._new_process(f"put {path}")
        for offset in range(0, max(len(data), 1), CHUNK):
            piece = data[offset : offset + CHUNK]
            last = offset + CHUNK >= len(data)
            head = {
                "op": "put",
                "id": transfer.number,
                "path": str(path),
                "mode": mode,
                "offset": offset,
                "last": last,
            }
            self.send(head, piece)
        transfer.wait(timeout)

    def get(self, path: str | Path, timeout: float = 60.0) -> bytes:
        """Read a file of the machine."""
        transfer = self._new_process(f"get {path}")
        self.send({"op": "get", "id": transfer.number, "path": str(path)})
        transfer.wait(timeout)
        return transfer.raw("data")

    def send(self, message: Message, data: bytes = b"") -> None:
        """Send one frame."""
        frame = memoryview(encode(message, data))
        try:
            with self._writing:
                while frame:
                    room = self._room()
                    self._channel.sendall(frame[:room])
                    self._sent += len(frame[:room])
                    frame = frame[room:]
        except OSError as error:
            raise MachineDiedError(self.name, f"it is gone: {error}", self._console()) from error

    def wait_for(
        self, ready: Callable[[], object], timeout: float, process: Process | None = None, what: str = "end"
    ) -> None:
        """Wait until `ready()`, for as long as the machine lives."""
        with self._changed:
            self._changed.wait_for(lambda: ready() or not self.alive, timeout)
            if ready():
                return
            alive = self.alive
        said = f"; it said:\n{process.output[-4000:]}" if process and process.output else ""
        command = process.command if process else "boot"
        if not alive:
            raise MachineDiedError(self.name, f"it is gone: it died during `{command}`{said}", self._console())
        raise CommandTimeoutError(self.name, f"no {what} of `{command}` within {timeout:g} s{said}", self._console())

    def _room(self) -> int:
        """How many bytes may be sent now; waits until that is at least one."""
        if self._window is None:
            return CHUNK
        window = self._window
        self.wait_for(lambda: self._sent - self._acknowledged < window, ACK_SECONDS, what="acknowledgement")
        return window - (self._sent - self._acknowledged)

    def _new_process(self, command: str) -> Process:
        process = Process(self, next(self._numbers), command)
        with self._changed:
            self._processes[process.number] = process
        return process

    def _read(self) -> None:
        decoder = Decoder()
        try:
            while data := self._channel.recv(1 << 18):
                with self._changed:
                    for message, body in decoder.feed(data):
                        self._dispatch(message, body)
                    self._changed.notify_all()
        except (OSError, ValueError):
            pass  # either way the machine cannot be talked to any more
        with self._changed:
            self.alive = False
            self._changed.notify_all()

    def _dispatch(self, message: Message, body: bytes) -> None:
        if message["op"] == "hello":
            self.hello = message
        elif message["op"] == "ack":
            self._acknowledged = message["taken"]
        elif process := self._processes.get(message.get("id", 0)):
            process.feed(message, body)
