"""The machine that the switch runs on, as a place at the switch: guests' connections become Unix sockets.

A connection to port P of its CID goes to the Unix socket ``PATH_P``, as with Firecracker and Cloud Hypervisor
(``hybrid:`` addresses of wslusb). So a program of this machine serves a virtual one without a vsock of its own.
"""

from __future__ import annotations

import contextlib
import select
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from hil.vm.vsock_packets import HEADER, TYPE_STREAM, Address, Link, Op, Switch, reset

__all__ = ["HostPort", "Watcher"]

BUFFER = 1 << 20
"""Bytes of a connection that the guest may send before they are taken."""
CHUNK = 1 << 16
_BOTH = 3  # VIRTIO_VSOCK_SHUTDOWN_F_RECEIVE | _SEND (virtio 1.2, 5.10.6.5)
_SEND = 2
_WRAP = 1 << 32


class Watcher(Protocol):
    """The switch's event loop."""

    def watch(self, fd: int, handler: Callable[[], None], events: int) -> None:
        """Call ``handler`` when the descriptor is ready; again with other ``events`` changes them."""

    def unwatch(self, fd: int) -> None:
        """Never again."""


class HostPort:
    """What the switch sees of this machine. See :class:`hil.vm.vsock_packets.Port`."""

    link: Link | None = None

    def __init__(self, cid: int, path: Path, watcher: Watcher) -> None:
        self.cid = cid
        self.up = True
        self.switch: Switch | None = None
        self._path = path
        self._watcher = watcher
        self._connections: dict[tuple[Address, Address], _Connection] = {}

    def flush(self) -> None:
        """Nothing waits here: a connection keeps what its socket does not take."""

    def deliver(self, header: bytes, payload: memoryview, *, owned: bool = False) -> None:  # noqa: ARG002
        """Take a packet of a guest."""
        source_cid, _, source_port, port, _, kind, op, flags, room, taken = HEADER.unpack(header)
        key = (Address(source_cid, source_port), Address(self.cid, port))
        connection = self._connections.get(key)
        if op == Op.REQUEST and connection is None and kind == TYPE_STREAM:
            self._open(key, room)
        elif connection is None:
            if op != Op.RST:
                self.send(reset(key[1], key[0], kind))
        else:
            connection.credit(room, taken)
            connection.take(op, flags, payload)

    def _open(self, key: tuple[Address, Address], room: int) -> None:
        sock = socket.socket(socket.AF_UNIX)
        try:
            sock.connect(f"{self._path}_{key[1].port}")
        except OSError:
            sock.close()
            self.send(reset(key[1], key[0]))
            return
        sock.setblocking(False)
        connection = _Connection(self, key, sock, room)
        self._connections[key] = connection
        self._watcher.watch(sock.fileno(), connection.ready, select.EPOLLIN)
        connection.tell(Op.RESPONSE)

    def send(self, header: bytes, payload: bytes = b"") -> None:
        """Give a guest a packet."""
        assert self.switch is not None  # noqa: S101 - set before the first packet
        self.switch.forward(self, header, memoryview(payload))

    def forget(self, key: tuple[Address, Address], sock: socket.socket) -> None:
        """A connection is over."""
        self._connections.pop(key, None)
        if self.switch is not None:
            self.switch.connections.discard((min(key), max(key)))
        self._watcher.unwatch(sock.fileno())
        sock.close()

    def lost(self, cid: int) -> None:
        """A guest is gone, and with it its connections."""
        for key in [key for key in self._connections if key[0].cid == cid]:
            self._connections[key].close()

    def wanted(self, sock: socket.socket, handler: Callable[[], None], events: int) -> None:
        """What to wake a connection for."""
        self._watcher.watch(sock.fileno(), handler, events)


class _Connection:
    """One connection: credit both ways (virtio 1.2, 5.10.6.3), and bytes that the socket has not taken yet."""

    def __init__(self, port: HostPort, key: tuple[Address, Address], sock: socket.socket, room: int) -> None:
        self._port = port
        self._key = key
        self._sock = sock
        self._out = bytearray()
        self._taken = self._told = 0
        self._room, self._peer_taken, self._sent = room, 0, 0
        self._ending = False
        self._open = True

    def tell(self, op: Op, payload: bytes = b"", flags: int = 0) -> None:
        """Send a packet, with our credit in it."""
        peer, ours = self._key
        self._told = self._taken
        self._port.send(
            HEADER.pack(
                ours.cid, peer.cid, ours.port, peer.port, len(payload), TYPE_STREAM, op, flags, BUFFER,
                self._taken % _WRAP,
            ),
            payload,
        )  # fmt: skip

    def credit(self, room: int, taken: int) -> None:
        """What the guest has room for."""
        self._room, self._peer_taken = room, taken

    def take(self, op: int, flags: int, payload: memoryview) -> None:
        """A packet of the guest."""
        if op == Op.RST or (op == Op.SHUTDOWN and flags & _BOTH == _BOTH):
            if op == Op.SHUTDOWN:
                peer, ours = self._key
                self._port.send(reset(ours, peer))
            self.close()
            return
        if op == Op.RW:
            self._out += payload
        elif op == Op.SHUTDOWN and flags & _SEND:
            self._ending = True
        elif op == Op.CREDIT_REQUEST:
            self.tell(Op.CREDIT_UPDATE)
        self.ready()

    def ready(self) -> None:
        """The socket, or the guest, may take or bring something."""
        try:
            self._write()
            self._read()
        except OSError:
            self._end()
            return
        if self._open:
            wanted = (select.EPOLLOUT if self._out else 0) | (select.EPOLLIN if self._free() else 0)
            self._port.wanted(self._sock, self.ready, wanted)

    def _free(self) -> int:
        return self._room - (self._sent - self._peer_taken) % _WRAP

    def _write(self) -> None:
        if self._out:
            with contextlib.suppress(BlockingIOError):
                count = self._sock.send(self._out)
                del self._out[:count]
                self._taken += count
        if self._ending and not self._out:
            self._sock.shutdown(socket.SHUT_WR)
            self._ending = False
        if self._taken - self._told >= BUFFER // 4:
            self.tell(Op.CREDIT_UPDATE)

    def _read(self) -> None:
        while self._open and (free := self._free()) > 0:
            try:
                data = self._sock.recv(min(free, CHUNK))
            except BlockingIOError:
                return
            if not data:
                self._end()
                return
            self._sent = (self._sent + len(data)) % _WRAP
            self.tell(Op.RW, data)

    def _end(self) -> None:
        """The program here has hung up."""
        self.tell(Op.SHUTDOWN, flags=_BOTH)
        self.close()

    def close(self) -> None:
        """Let go of the socket."""
        if self._open:
            self._open = False
            self._port.forget(self._key, self._sock)
