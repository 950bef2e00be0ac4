"""Serves a control socket: for the user who runs the service, and for root."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from ..errors import LocalError, LocalReason, WslusbError
from ..transport.address import UnixAddress
from ..transport.sockets import UnixListener
from ..transport.stream import Peer
from .messages import LINE, Json, decode, encode, error_answer
from .streams import Streamed

__all__ = ["ControlServer", "Handler"]

log = logging.getLogger(__name__)
_CLIENTS = 128
_IDLE_SECONDS = 30.0

Handler = Callable[[Json], Json | Streamed]
"""Answers one request; raises WslusbError for what cannot be done."""


class ControlServer:
    """Listens at ``path`` until closed; one thread a client, so that a slow ``attach`` holds up nobody."""

    def __init__(self, path: Path, handler: Handler) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = path
        self._handler = handler
        self._listener = UnixListener(UnixAddress(str(path)), str(path))
        self._closing = threading.Event()
        self._clients = threading.BoundedSemaphore(_CLIENTS)
        self._thread = threading.Thread(target=self._accept, name="wslusb-control", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._closing.set()
        self._listener.close()
        self._thread.join(2.0)

    def _accept(self) -> None:
        while True:
            try:
                sock, peer = self._listener.accept_socket()
            except OSError as error:
                if self._closing.is_set():
                    return
                # Out of descriptors, most likely: wait for some to come back.
                log.error("cannot accept at %s: %s", self.path, error)
                self._closing.wait(0.2)
                continue
            if not self._clients.acquire(blocking=False):
                sock.close()
                continue
            thread = threading.Thread(target=self._serve, args=(sock, peer), name="wslusb-control-client", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:  # no more threads to be had: this client's bad luck, not the end of listening
                log.error("cannot serve %s: %s", peer, error)
                self._clients.release()
                sock.close()

    def _serve(self, sock: socket.socket, peer: Peer) -> None:
        try:
            with sock, contextlib.suppress(OSError):
                sock.settimeout(_IDLE_SECONDS)
                with sock.makefile("rb") as lines:
                    while (line := lines.readline(LINE)).endswith(b"\n"):
                        answer = self._answer(line, peer)
                        if isinstance(answer, Streamed):
                            self._stream(sock, answer)
                            return
                        sock.sendall(encode(answer))
        finally:
            self._clients.release()

    def _stream(self, sock: socket.socket, streamed: Streamed) -> None:
        with contextlib.suppress(OSError):  # gone already: the answer finds out by itself, and ends what it began
            sock.sendall(encode({"ok": True, **streamed.answer}))
        try:
            streamed.run(sock)
        except OSError:  # whoever asked has gone
            raise
        except Exception:  # likewise
            log.exception("a control request failed")

    def _answer(self, line: bytes, peer: Peer) -> Json | Streamed:
        try:
            if sys.platform != "win32" and peer.number not in (0, os.getuid()):
                raise LocalError(LocalReason.ACCESS_DENIED, "the service belongs to another user", hint="use sudo")
            answer = self._handler(decode(line))
            return answer if isinstance(answer, Streamed) else {"ok": True, **answer}
        except WslusbError as error:
            return error_answer(error)
        except Exception as error:  # one bad request must not end the service
            log.exception("a control request failed")
            return error_answer(LocalError(LocalReason.BAD_STATE, f"internal error: {error}", hint="see the log"))
