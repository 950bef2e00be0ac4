"""A network card of the kernel and the peer at its cable: pings of random bytes, many on their way, each looked at."""

from __future__ import annotations

import contextlib
import random
import select
import socket
import struct
import subprocess
import time
from collections.abc import Iterator, Sequence
from typing import Any

from hil.clients import network

__all__ = ["run"]

_ECHO, _REPLY = 8, 0
_HEADER = struct.Struct("!BBHHH")
"""Type, code, checksum, identifier, sequence number (RFC 792)."""
_BIND_TO_DEVICE = 25  # SO_BINDTODEVICE
_REPLY_SECONDS = 2.0
_STATISTICS = ("rx_packets", "tx_packets", "rx_bytes", "tx_bytes", "rx_errors", "tx_errors", "rx_dropped", "tx_dropped")


def run(
    interface: str, address: str, peer: str, sizes: Sequence[int], count: int, window: int, seed: int = 1
) -> dict[str, Any]:
    """``count`` pings of each size (bytes of data), ``window`` on their way at once; the card is up meanwhile.

    ``carrier``; by size ``lost``, ``wrong`` (other bytes than were sent), ``disorder``, ``times`` (us, of those that
    came) and ``seconds`` for all; ``counters``: how much the card's own have grown.
    """
    with _up(interface, address):
        carrier = network.has_carrier(interface)
        before = _counters(interface)
        sizes_found = {str(size): _Pings(interface, peer, size, seed).run(count, window) for size in sizes}
        after = _counters(interface)
    return {"carrier": carrier, "sizes": sizes_found, "counters": {key: after[key] - before[key] for key in after}}


@contextlib.contextmanager
def _up(interface: str, address: str) -> Iterator[None]:
    was_up = network.flags(interface) & network.UP
    _ip("address", "add", address, "dev", interface)
    try:
        _ip("link", "set", interface, "up")
        yield
    finally:
        _ip("address", "del", address, "dev", interface)
        if not was_up:
            _ip("link", "set", interface, "down")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})


def _counters(interface: str) -> dict[str, int]:
    return {name: int(network.read(interface, f"statistics/{name}")) for name in _STATISTICS}


class _Pings:
    def __init__(self, interface: str, peer: str, size: int, seed: int) -> None:
        self._peer = peer
        self._size = size
        self._dice = random.Random(seed)
        self._identifier = self._dice.randrange(1, 1 << 16)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self._socket.setsockopt(socket.SOL_SOCKET, _BIND_TO_DEVICE, interface.encode())
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._flying: dict[int, tuple[bytes, int]] = {}
        self._wrong = self._disorder = 0
        self._last = -1
        self._times: list[float] = []

    def run(self, count: int, window: int) -> dict[str, Any]:
        """Send them all, and wait for the last."""
        started, lost = time.monotonic(), 0
        with self._socket:
            for number in range(count):
                while len(self._flying) >= window:
                    lost += self._listen()
                self._send(number)
            while self._flying:
                lost += self._listen()
        return {
            "lost": lost, "wrong": self._wrong, "disorder": self._disorder, "times": self._times,
            "seconds": time.monotonic() - started,
        }  # fmt: skip

    def _send(self, number: int) -> None:
        data = self._dice.randbytes(self._size)
        head = _HEADER.pack(_ECHO, 0, 0, self._identifier, number)
        head = _HEADER.pack(_ECHO, 0, _checksum(head + data), self._identifier, number)
        self._flying[number] = data, time.monotonic_ns()
        self._socket.sendto(head + data, (self._peer, 0))

    def _listen(self) -> int:
        """Take what comes; how many are lost, because nothing comes any more."""
        if not select.select([self._socket], [], [], _REPLY_SECONDS)[0]:
            lost = len(self._flying)
            self._flying.clear()
            return lost
        packet = self._socket.recv(1 << 16)
        message = packet[(packet[0] & 15) * 4 :]
        kind, _, _, identifier, number = _HEADER.unpack_from(message)
        if kind == _REPLY and identifier == self._identifier and number in self._flying:
            data, sent = self._flying.pop(number)
            self._times.append((time.monotonic_ns() - sent) / 1000)
            self._wrong += message[_HEADER.size :] != data
            self._disorder += number < self._last
            self._last = number
        return 0


def _checksum(data: bytes) -> int:
    """RFC 1071."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data[: len(data) // 2 * 2]))
    total += data[-1] << 8 if len(data) % 2 else 0
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
