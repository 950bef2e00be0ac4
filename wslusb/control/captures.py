"""Captures over the control socket: one live, a ring that is kept, and what is in it."""

from __future__ import annotations

import json
import selectors
import socket
import time
from collections.abc import Callable, Iterable

from ..capture.hub import Hub
from ..capture.profile import Profile
from ..capture.sink import QUEUE_BYTES, Sink
from ..capture.writer import Writer
from ..errors import LocalError, LocalReason
from .messages import Json
from .streams import MessageKind, Streamed, pack
from .tokens import secrets_of

__all__ = ["MOST_RING", "CaptureRequests"]

MOST_RING = 1 << 30
_POLL_SECONDS = 0.1
_STATE_SECONDS = 0.25
_CHUNK = 1 << 20


class CaptureRequests:
    """Answers the ops ``capture``, ``capture-ring`` and ``capture-save``. ``find`` gives the busid of a name."""

    def __init__(self, hub: Hub, find: Callable[[str], str]) -> None:
        self._hub = hub
        self._find = find

    def __call__(self, request: Json) -> Json | Streamed:
        """Dispatch on ``op``; without ``device``, all are meant. LocalError for what cannot be done."""
        name = request.get("device")
        busid = self._find(name) if isinstance(name, str) else ""
        profile = Profile(raw=request.get("raw") is True, keep_vendor=request.get("keep_vendor") is True)
        match request:
            case {"op": "capture-ring", "size": int(size)} if 0 <= size <= MOST_RING:
                self._hub.keep_ring(busid, size)
                return {"busid": busid}
            case {"op": "capture-save"}:
                return self._save(busid, Writer(profile, secrets_of(request)))
            case {"op": "capture"}:
                limit = request.get("queue", QUEUE_BYTES)
                sink = Sink(limit if isinstance(limit, int) and 0 < limit <= MOST_RING else QUEUE_BYTES)
                writer = Writer(profile, secrets_of(request))
                return Streamed(lambda sock: self._live(sock, busid, sink, writer), {"busid": busid})
        raise LocalError(LocalReason.UNSUPPORTED, f"{request.get('op')!r} is not known with these arguments")

    def _save(self, busid: str, writer: Writer) -> Streamed:
        found = self._hub.ring(busid)
        if found is None:
            hint = "begin one with 'wslusb capture DEVICE --ring 16M'"
            raise LocalError(LocalReason.BAD_STATE, "no ring is kept of that device", hint=hint)
        sink, items = found

        def run(sock: socket.socket) -> None:
            _send(sock, [writer.begin()])
            _send(sock, writer.items(items))
            _end(sock, writer, sink)

        return Streamed(run, {"busid": busid})

    def _live(self, sock: socket.socket, busid: str, sink: Sink, writer: Writer) -> None:
        self._hub.start(busid, sink)
        try:
            _send(sock, [writer.begin()])
            told = 0.0
            with selectors.DefaultSelector() as selector:
                selector.register(sock, selectors.EVENT_READ)
                while not selector.select(0):  # there is nothing for the other side to say but that it has enough
                    _send(sock, writer.items(sink.take(_POLL_SECONDS)))
                    if time.monotonic() - told >= _STATE_SECONDS:
                        sock.sendall(pack(MessageKind.STATE, _state(writer, sink)))
                        told = time.monotonic()
        finally:
            self._hub.stop(sink)
        _send(sock, writer.items(sink.take(0)))
        _end(sock, writer, sink)


def _send(sock: socket.socket, blocks: Iterable[bytes]) -> None:
    """Whole blocks, some at a time: whatever happens, the file ends with a whole one."""
    gathered = bytearray()
    for block in blocks:
        gathered += block
        if len(gathered) >= _CHUNK:
            sock.sendall(pack(MessageKind.DATA, bytes(gathered)))
            gathered.clear()
    if gathered:
        sock.sendall(pack(MessageKind.DATA, bytes(gathered)))


def _end(sock: socket.socket, writer: Writer, sink: Sink) -> None:
    _send(sock, [writer.end(sink.counts)])
    sock.sendall(pack(MessageKind.END, _state(writer, sink)))


def _state(writer: Writer, sink: Sink) -> bytes:
    """What a progress line shows, and the values to look for in the finished file, which stay on this machine."""
    totals = writer.totals
    originals = [] if writer.profile.raw else [value.hex() for value in writer.secrets.originals]
    dropped = sum(each.dropped for each in list(sink.counts.values()))
    state = {"urbs": totals.urbs, "bytes": totals.bytes, "dropped": dropped, "originals": originals}
    return json.dumps(state).encode()
