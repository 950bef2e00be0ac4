"""A socket for ``sr1``: one packet a message, numbered as the protocol wants it."""

from __future__ import annotations

import socket
from collections import deque
from typing import Any

from scapy.packet import Packet
from scapy.supersocket import SimpleSocket, SuperSocket

from ..wire.frame import next_sequence
from .messages import WslUsbAttachAnswer
from .protocol import ABOUT_THE_DEVICE, SOLICITED, WslUsb
from .stream import Cutter

__all__ = ["WslUsbSocket"]

_CHUNK = 1 << 16


class WslUsbSocket(SimpleSocket):
    """One connection of a guest to a service: ``WslUsbSocket.connect("/run/wslusb.sock")``, or on any stream socket.

    A packet whose ``sequence`` is None gets the next number, one whose ``handle`` is None that of the attached device;
    both may be set to anything. Nothing is peeked at, which Hyper-V sockets cannot do.
    """

    desc = "a connection of the wslusb protocol"

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock, WslUsb)
        self.sock = sock
        self.sequence = self.handle = 0
        self._cutter = Cutter()
        self._whole: deque[bytes] = deque()

    @classmethod
    def connect(cls, path: str) -> WslUsbSocket:
        """To a service's Unix socket. OSError if nothing listens there."""
        sock = socket.socket(getattr(socket, "AF_UNIX"), socket.SOCK_STREAM)  # noqa: B009 -- not on Windows
        sock.connect(path)
        return cls(sock)

    def send(self, x: Packet) -> int:
        """Send all of a packet; numbers are filled into it, so that answers can be told."""
        if isinstance(x, WslUsb):
            self._number(x)
        data = bytes(x)
        self.sock.sendall(data)
        return len(data)

    def _number(self, packet: WslUsb) -> None:
        if packet.sequence is None:
            numbered = packet.type not in SOLICITED
            packet.sequence = next_sequence(self.sequence) if numbered else 0
            self.sequence = packet.sequence if numbered else self.sequence
        if packet.handle is None:
            packet.handle = self.handle if packet.type in ABOUT_THE_DEVICE else 0

    def recv(self, x: int | None = None, **_kwargs: Any) -> Packet | None:
        """The next message; EOFError at the end of the connection."""
        while not self._whole:
            if not (data := self.sock.recv(x or _CHUNK)):
                raise EOFError
            self._whole.extend(self._cutter.feed(data))
        packet = WslUsb(self._whole.popleft())
        answer = packet.getlayer(WslUsbAttachAnswer)
        if answer is not None and not answer.status:
            self.handle = answer.handle
        return packet

    def finish(self) -> None:
        """Say that nothing more will be sent; answers can still be read."""
        self.sock.shutdown(socket.SHUT_WR)

    @property
    def waiting(self) -> bool:
        """Whether a whole message has arrived and was not taken yet."""
        return bool(self._whole)

    @staticmethod
    def select(sockets: list[SuperSocket], remain: float | None = None) -> list[SuperSocket]:
        """Those that have a message at hand, before any is waited for."""
        ready: list[SuperSocket] = [each for each in sockets if isinstance(each, WslUsbSocket) and each.waiting]
        return ready or SimpleSocket.select(sockets, remain)
