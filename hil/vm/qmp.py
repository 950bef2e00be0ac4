"""A client for QEMU's machine protocol: one JSON object a line, commands answered in order, events in between."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

from hil.errors import QmpError

__all__ = ["Qmp"]

TIMEOUT = 30.0


class Qmp:
    """The monitor of one QEMU. `execute` runs a command; `wait_event` waits for something that QEMU tells."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._buffer = b""
        self._events: list[dict[str, Any]] = []
        self._receive(TIMEOUT)  # the greeting
        self.execute("qmp_capabilities")

    def execute(self, command: str, **arguments: Any) -> Any:
        """Run a command and return what it returns. An underscore in an argument's name stands for a hyphen."""
        request = {"execute": command, "arguments": {key.replace("_", "-"): value for key, value in arguments.items()}}
        try:
            self._channel.sendall(json.dumps(request).encode() + b"\n")
        except OSError as error:
            raise QmpError(f"{command}: QEMU is gone: {error}") from error
        while True:
            answer = self._receive(TIMEOUT)
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise QmpError(f"{command}: {answer['error'].get('desc', answer['error'])}")
            self._events.append(answer)

    def typed(self, command: str, argument: str) -> None:
        """Run a command of the monitor for people with one argument, in which values are text whatever their type."""
        quoted = argument.replace("\\", "\\\\").replace('"', '\\"')
        if said := self.execute("human-monitor-command", **{"command-line": f'{command} "{quoted}"'}).strip():
            raise QmpError(f"{command} {argument}: {said.removeprefix('Error: ')}")

    def wait_event(self, name: str, timeout: float = TIMEOUT, **data: Any) -> dict[str, Any]:
        """The next event of this name whose data has these values (also one that came earlier)."""
        deadline = time.monotonic() + timeout
        seen = 0
        while True:
            for event in self._events[seen:]:
                if event["event"] == name and data.items() <= event.get("data", {}).items():
                    self._events.remove(event)
                    return event
            seen = len(self._events)
            self._events.append(self._receive(max(0.0, deadline - time.monotonic())))

    def _receive(self, timeout: float) -> dict[str, Any]:
        self._channel.settimeout(max(timeout, 0.001))
        while b"\n" not in self._buffer:
            try:
                data = self._channel.recv(65536)
            except OSError as error:
                raise QmpError(f"QEMU says nothing: {error}") from error
            if not data:
                raise QmpError("QEMU is gone")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer
