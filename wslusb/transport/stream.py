"""A connected byte stream over any blocking socket.

Time-outs are the kernel's own (SO_RCVTIMEO, SO_SNDTIMEO): Python's would make the socket non-blocking and cost a
``poll`` with every call. A receive that times out gives None, which is how :mod:`wslusb.transport.link` keeps time.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..usb.urb import Buffer

_PIECE = 64 << 10
"""Bytes sent at a time to a slow peer: the time-out of a Unix socket holds for each packet, not for the whole send."""

__all__ = ["Peer", "SocketStream", "Stream", "set_timeout"]

STREAM_BUFFER = 1 << 20
"""Socket buffer in bytes: several of the largest usual URBs (120 KiB) without waiting for the other side's credit."""


@dataclass(slots=True, frozen=True)
class Peer:
    """Who is at the other end: ``vsock`` with a CID, ``unix`` with a uid and pid, as the kernel vouches for it."""

    kind: str
    number: int
    pid: int = 0

    def __str__(self) -> str:
        if self.kind == "vsock":
            return f"CID {self.number}"
        return f"uid {self.number}" + (f" (pid {self.pid})" if self.pid else "")


class Stream(Protocol):
    """Bytes to and from one peer. One thread receives; sends are serialised by the caller."""

    peer: Peer

    def recv_into(self, buffer: memoryview) -> int | None:
        """Receive some bytes; 0 at the end, None after the receive time-out. OSError when the connection broke."""

    def send(self, buffers: Sequence[Buffer]) -> None:
        """Send all bytes of all buffers. OSError when the connection broke or the peer did not read for too long."""

    def set_receive_timeout(self, seconds: float) -> None:
        """How long a receive waits before it gives None."""

    def set_send_timeout(self, seconds: float) -> None:
        """How long a send waits for a peer that does not read."""

    def shutdown(self) -> None:
        """End both directions; a thread that waits in receive or send comes back. Harmless when repeated."""

    def close(self) -> None:
        """Free the socket. Only when no other thread uses it."""


def set_timeout(sock: socket.socket, option: int, seconds: float) -> None:
    """Set SO_RCVTIMEO or SO_SNDTIMEO: a struct timeval (socket(7)), or milliseconds under Windows."""
    value: bytes | int = int(seconds * 1000)
    if sys.platform != "win32":
        value = struct.pack("@ll", int(seconds), int(seconds % 1 * 1_000_000))
    # On an AF_VSOCK socket, Python's setsockopt takes nothing but a 64-bit number. What it believes of the family is
    # its own affair, and a second object on the same descriptor may believe something else.
    alias = socket.socket(socket.AF_INET, socket.SOCK_STREAM, fileno=sock.fileno())
    try:
        alias.setsockopt(socket.SOL_SOCKET, option, value)
    finally:
        alias.detach()


def _gathering(sock: socket.socket) -> Callable[[Sequence[Buffer]], int]:
    """What sends several buffers in one call. Python has no ``sendmsg`` under Windows: there they are joined first."""
    if sys.platform == "win32":
        return lambda buffers: sock.send(b"".join(buffers))
    else:  # noqa: RET505 -- mypy follows the platform only through if and else
        return sock.sendmsg


class SocketStream:
    """A :class:`Stream` on a connected, blocking socket."""

    def __init__(self, sock: socket.socket, peer: Peer, *, send_timeout: float = 15.0) -> None:
        sock.settimeout(None)
        self.peer = peer
        self._socket = sock
        self.set_send_timeout(send_timeout)
        self._recv_into = sock.recv_into
        self._sendmsg = _gathering(sock)

    def recv_into(self, buffer: memoryview) -> int | None:
        """See :class:`Stream`."""
        try:
            return self._recv_into(buffer)
        except BlockingIOError:
            return None

    def send(self, buffers: Sequence[Buffer]) -> None:
        """See :class:`Stream`. One system call, unless the kernel takes only a part."""
        sent = self._sendmsg(buffers)
        if sent != (total := sum(map(len, buffers))):
            self._send_rest(buffers, sent, total)

    def _send_rest(self, buffers: Sequence[Buffer], sent: int, total: int) -> None:
        """Send what the kernel did not take within the time-out. Only now, so that the usual send asks no clock."""
        rest = memoryview(b"".join(buffers))
        deadline = time.monotonic() + self._send_timeout
        while sent < total:
            if time.monotonic() > deadline:
                raise TimeoutError(errno.ETIMEDOUT, "the peer reads too slowly")
            sent += self._socket.send(rest[sent : sent + _PIECE])

    def set_receive_timeout(self, seconds: float) -> None:
        """See :class:`Stream`."""
        set_timeout(self._socket, socket.SO_RCVTIMEO, seconds)

    def set_send_timeout(self, seconds: float) -> None:
        """See :class:`Stream`."""
        self._send_timeout = seconds
        set_timeout(self._socket, socket.SO_SNDTIMEO, seconds)

    def shutdown(self) -> None:
        """See :class:`Stream`."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """See :class:`Stream`."""
        self._socket.close()
