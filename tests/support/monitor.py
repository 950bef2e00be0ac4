"""A virtual machine monitor's vsock, as Firecracker and Cloud Hypervisor show it on Unix sockets (their docs/vsock.md).

At ``path`` it speaks ``CONNECT port`` / ``OK port`` and forwards to what listens inside; what a guest connects to
port P of its host is delivered at ``path_P``. The inside is played by sockets of this process.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
from pathlib import Path
from typing import Self

from tests.support.waiting import PATIENCE
from wslusb.transport.stream import Peer, SocketStream, Stream
from wslusb.wire.frame import PORT


class Inside:
    """A listener in the guest."""

    def __init__(self) -> None:
        self.queue: queue.SimpleQueue[socket.socket] = queue.SimpleQueue()

    def accept(self) -> Stream:
        return SocketStream(self.queue.get(timeout=PATIENCE), Peer("vsock", 2))

    def close(self) -> None:
        """Forget who was not accepted."""
        with contextlib.suppress(queue.Empty):
            while True:
                self.queue.get_nowait().close()


class Monitor:
    def __init__(self, path: Path, greeting: bytes = b"") -> None:
        self.path = path
        self._greeting = greeting
        self._inside: dict[int, Inside] = {}
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listen(path, self._answer)

    def _listen(self, path: Path, serve: object) -> None:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(path))
        listener.listen()
        self._sockets.append(listener)
        self._start(self._accept, listener, serve)

    def _start(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket, serve: object) -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            self._sockets.append(sock)
            serve(sock)  # type: ignore[operator]

    def listen(self, port: int) -> Inside:
        """Something in the guest listens."""
        self._inside[port] = Inside()
        return self._inside[port]

    def guest_connects(self, port: int = PORT) -> Stream:
        """Something in the guest connects to its host."""
        return SocketStream(self._deliver(port), Peer("vsock", 2))

    def forward(self, path: Path) -> None:
        """What connects at ``path`` is inside, and connects to its host's wslusb."""
        self._listen(path, lambda sock: self._join(sock, self._deliver(PORT)))

    def _deliver(self, port: int) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.connect(f"{self.path}_{port}")
        return sock

    def _answer(self, outside: socket.socket) -> None:
        line = b""
        while not line.endswith(b"\n"):
            line += outside.recv(1)
        word, _, port = line.decode().strip().partition(" ")
        inside = self._inside.get(int(port))
        if word != "CONNECT" or inside is None:
            outside.close()
            return
        near, far = socket.socketpair()
        self._sockets.append(near)
        outside.sendall(b"OK 1073741824\n" + self._greeting)
        self._join(outside, near)
        inside.queue.put(far)

    def _join(self, one: socket.socket, two: socket.socket) -> None:
        self._sockets.append(two)
        self._start(self._copy, one, two)
        self._start(self._copy, two, one)

    def _copy(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        for sock, how in ((target, socket.SHUT_WR), (source, socket.SHUT_RD)):
            with contextlib.suppress(OSError):
                sock.shutdown(how)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        for thread in self._threads:
            thread.join(PATIENCE)
        for inside in self._inside.values():
            inside.close()
