"""Whoever may talk to the control socket, and does it badly: junk, readers that never read, captures by the dozen.

It is the user's own socket, so nothing secret is at stake. But no client may take the service away from another, hold
up the devices, or leave anything behind.
"""

from __future__ import annotations

import contextlib
import io
import json
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.fuzz.attacked import Attacked
from tests.fuzz.mutation import Channel, Mutation
from tests.fuzz.oracle import HANG_SECONDS, Finding, Slow, drain, push
from tests.support.usb import bulk_in
from wslusb.capture import pcapfile
from wslusb.control import client
from wslusb.control.server import ControlServer
from wslusb.control.streams import MessageKind, receive
from wslusb.device import sync
from wslusb.errors import LocalError
from wslusb.host.requests import HostRequests

__all__ = ["ControlAttack"]

_CROWD = 40
"""More than a service talks to at once."""
_URBS, _SIZE = 48, 61_440
_RING = 8 << 20
_CAPTURE = {"op": "capture", "raw": True}
_SMALL = _CAPTURE | {"queue": 1 << 20}
_QUESTIONS: tuple[dict[str, Any], ...] = (
    {"op": "list"}, {"op": "state"}, {"op": "describe", "device": "9-1"}, {"op": "bind", "device": "9-1"},
    {"op": "capture-ring", "size": _RING}, {"op": "attach", "device": "9-1", "seconds": 0.1},
    {"op": "detach", "device": "9-1", "guest": "nobody"}, {"op": "capture-ring", "device": "9-2", "size": _RING},
    {"op": "describe", "device": "9-1", "salt": "00ff", "texts": ["host"]},
)  # fmt: skip
_VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1, 0.5, 1e308, float("nan"), 1 << 63, 1 << 200, "", "9-1", "\ud800", "x" * 5000, [], ["9-1"], {},
    {"op": "list"}, "all", "9-9",
)  # fmt: skip


class _Lines(Channel):
    """Mutations of JSON lines: one that knows fields gives one of them another value, another name, or takes it out."""

    def layered(self, mutation: Mutation, message: bytes, _name: str) -> list[bytes]:
        """Of a line that is an object."""
        try:
            request = json.loads(message)
            keys = sorted(request)
            key = keys[mutation.offset % len(keys)]
        except (ValueError, TypeError, ZeroDivisionError):
            return [message]
        value = _VALUES[mutation.value % len(_VALUES)]
        how = mutation.offset // 8 % 4
        if how == 3:
            del request[key]
        elif how == 2:
            request["seconds" if key == "size" else "device"] = value
        else:
            request[key] = value
        return [json.dumps(request).encode() + b"\n"]


class ControlAttack(Attacked):
    """A service with a control socket; captures of what the good guest does meanwhile."""

    def __enter__(self) -> Self:
        super().__enter__()
        self._path = Path(self._folder.name) / "control"
        self._server = ControlServer(self._path, HostRequests(self._world.service))
        client.call(self._path, "list")
        self._watch.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        super().__exit__(kind, error, trace)

    def __call__(self, case: bytes) -> set[str]:
        """Run a case: kinds of answers. Finding for what must not be."""
        channel = _Lines(case)
        script = (self._ask, self._never_read, self._read, self._crowd)[case[0] & 3 if case else 0]
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            kinds = script(channel)
        self._tidy()
        return kinds | self.after()

    # -- what clients do

    def _connect(self) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(HANG_SECONDS)
        sock.connect(str(self._path))
        return sock

    def _ask(self, channel: Channel) -> set[str]:
        """All kinds of requests on one connection, the answers read."""
        kinds = set[str]()
        said = bytearray()
        with self._connect() as sock:
            for question in _QUESTIONS:
                for piece in channel.through(_line(question)):
                    push(sock, piece, said)
            sock.shutdown(socket.SHUT_WR)
            said += drain(sock)[0]
        lines = bytes(said).split(b"\n")[:-1]
        if not channel.changes and len(lines) != len(_QUESTIONS):
            raise Finding(f"{len(_QUESTIONS)} questions, {len(lines)} answers")
        for line in lines:
            try:
                answer = json.loads(line)
            except ValueError:
                break  # a capture's stream has begun
            if "internal error" in answer.get("message", ""):
                raise Finding(f"a request ends in {answer['message']}")
            kinds.add(f"{answer['ok']} {answer.get('reason')}")
        return kinds

    def _never_read(self, channel: Channel) -> set[str]:
        """Captures whose readers do not read, and are killed."""
        socks = [self._connect() for _ in range(3)]
        try:
            for sock in socks:
                for piece in channel.through(_line(_SMALL)):
                    sock.sendall(piece)
            self._traffic()
        finally:
            for sock in socks:
                sock.close()
        return set()

    def _read(self, channel: Channel) -> set[str]:
        """A capture, and what was kept in a ring, from the first to the last message."""
        client.call(self._path, "capture-ring", size=_RING)
        kinds = set[str]()
        for request in (_CAPTURE, {"op": "capture-save"}):
            with self._connect() as sock:
                for piece in channel.through(_line(request)):
                    sock.sendall(piece)
                self._traffic()
                sock.shutdown(socket.SHUT_WR)
                kinds |= _stream(sock, whole=not channel.changes)
        return kinds

    def _crowd(self, channel: Channel) -> set[str]:
        """More clients than are served at once, who all begin a capture and go."""
        socks = [self._connect() for _ in range(_CROWD)]
        try:
            for sock in socks:
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    for piece in channel.through(_line(_SMALL)):
                        sock.sendall(piece)
            self._traffic()
        finally:
            for sock in socks:
                sock.close()
        return set()

    def _traffic(self) -> None:
        """What is captured, or kept: it does not wait for anybody."""
        began = time.monotonic()
        for _ in range(_URBS):
            if status := sync.transfer(self._good.device, bulk_in(_SIZE), HANG_SECONDS).status:
                raise Slow(f"a device is held up by a capture: {status:#x}")
        if time.monotonic() - began > HANG_SECONDS:
            raise Slow(f"{_URBS} URBs took {time.monotonic() - began:.1f} s while they were captured")
        for sink in list(self._world.service.captures._sinks):
            if sink._size > sink.limit:
                raise Finding(f"{sink._size} bytes are kept of a capture, {sink.limit} are allowed")

    def _tidy(self) -> None:
        """The next client is served, as soon as threads of the last ones have ended; nothing is captured any more."""
        deadline = time.monotonic() + HANG_SECONDS
        while True:
            try:
                devices = client.call(self._path, "list", timeout=HANG_SECONDS)["devices"]
                break
            except (LocalError, OSError) as error:
                if time.monotonic() > deadline:
                    raise Slow(f"another client is not served: {error}") from error
                time.sleep(0.005)
        if len(devices) != 2:
            raise Finding(f"another client is told of {len(devices)} devices")
        service = self._world.service
        for name in ("9-1", "9-2"):
            service.bind(name)
        for busid in list(service.captures._rings):
            service.captures.keep_ring(busid, 0)
        while service.captures._sinks:
            if time.monotonic() > deadline:
                raise Slow(f"{len(service.captures._sinks)} captures go on that nobody reads")
            time.sleep(0.005)


def _line(request: dict[str, Any]) -> bytes:
    return json.dumps(request).encode() + b"\n"


def _stream(sock: socket.socket, *, whole: bool) -> set[str]:
    """A streamed answer, whose data are a capture. ``whole``: it has to have an end."""
    line = b""
    try:
        while not line.endswith(b"\n"):
            if not (byte := sock.recv(1)):
                return {"nothing"}
            line += byte
        answer = json.loads(line)
        if not answer["ok"]:
            return {f"False {answer['reason']}"}
        parts = list(receive(sock))
    except TimeoutError as error:
        raise Slow("a capture that was ended does not end") from error
    except (ConnectionResetError, ValueError):
        return {"broken"}
    data = b"".join(part for kind, part in parts if kind is MessageKind.DATA)
    found = sum(1 for _ in pcapfile.packets(io.BytesIO(data))) if data else 0
    if whole and (not parts or parts[-1][0] is not MessageKind.END or found < _URBS):
        raise Finding(f"a capture of {_URBS} URBs has {found} packets and ends with {parts[-1:]}")
    return {f"captured {bool(found)}"}
