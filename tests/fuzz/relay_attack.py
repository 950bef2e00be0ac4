"""A kernel that writes what no kernel writes: mutated USB/IP commands into the relay, with a real service behind it."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time

from tests.fuzz.attacked import Attacked
from tests.fuzz.kernel_answers import KernelsBook
from tests.fuzz.mutation import Channel
from tests.fuzz.oracle import HANG_SECONDS, Finding, Slow, drain, push
from tests.support.kernel import pack_submit, pack_unlink
from wslusb.guest.relay import Relay
from wslusb.transport.stream import Peer, SocketStream

__all__ = ["RelayAttack"]

_SETUPS = ((0x80, 6, 0x0100, 0, 18), (0, 9, 3, 0, 0), (1, 11, 1, 0, 0))
_COMMANDS = [
    *(pack_submit(n, s[0] & 0x80, s[4], setup=struct.pack("<BBHHH", *s)) for n, s in enumerate(_SETUPS, 1)),
    pack_submit(4, 0x81, 512, flags=1),
    pack_submit(5, 0x01, 5, bytes(5), flags=0x40),
    pack_submit(6, 0x83, 64, packets=[(0, 10), (32, 20)], flags=2, interval=8),
    pack_submit(7, 0x03, 12, b"ab..cd..ef..", packets=[(0, 2), (4, 2), (8, 2)], interval=8),
    pack_submit(8, 0, 4, b"wxyz", bytes((0x40, 0x5B, 0, 0, 0, 0, 4, 0))),
    pack_submit(9, 0, 0, setup=bytes((0, 9, 2, 0, 0, 0, 0, 0))),
    pack_submit(10, 0x81, 64),
    pack_submit(11, 0x85, 64, interval=8),
    pack_unlink(12, 10),
    pack_submit(13, 0x81, 64),
    pack_submit(14, 0x01, 4, b"echo"),
    pack_unlink(15, 13),
    pack_unlink(16, 4),
    pack_submit(17, 0x80, 64, setup=bytes((0x80, 6, 0, 1, 0, 0, 64, 0))),
]


class RelayAttack(Attacked):
    """A service, and for each case a device that is attached through it and a relay on it."""

    def __call__(self, case: bytes) -> set[str]:
        """Run a case. The host must never hear of what the kernel did wrong."""
        kinds = self._relayed(case)
        seen = self.after()
        if broken := [line for line in seen if "broke the protocol" in line or "ended the connection" in line]:
            raise Finding(f"the kernel's mistake has become the guest's: {broken[0]}")
        return seen | kinds

    def _relayed(self, case: bytes) -> set[str]:
        """The case by itself: nothing of it is left afterwards."""
        client = self._world.client()
        device = client.open(self._world.info())
        ours, kernels = socket.socketpair()
        relay = Relay(SocketStream(ours, Peer("unix", 0)), device, lambda: bool(case[:1] and case[0] & 1))
        thread = threading.Thread(target=relay.run)
        thread.start()
        try:
            kinds = self._write(kernels, Channel(case, big=True))
        finally:
            kernels.close()
            thread.join(HANG_SECONDS)
            device.close()
            client.close()
            ours.close()
        if thread.is_alive():
            raise Slow("the relay has not ended")
        return kinds

    def _write(self, kernels: socket.socket, channel: Channel) -> set[str]:
        """Write what the case says, and check what is answered."""
        sent, said, book = bytearray(), bytearray(), KernelsBook()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for command in _COMMANDS:
                for piece in channel.through(command):
                    sent += piece
                    push(kernels, piece, said)
        self.meanwhile()
        book.wrote(bytes(sent))
        kinds = book.read(bytes(said))
        deadline = time.monotonic() + HANG_SECONDS
        with contextlib.suppress(TimeoutError, ConnectionResetError):
            while book.unanswered and (piece := kernels.recv(1 << 16)):
                said += piece
                kinds |= book.read(bytes(said))
                kernels.settimeout(max(deadline - time.monotonic(), 0.001))
        if book.unanswered and time.monotonic() >= deadline:
            raise Slow(f"never answered: {book.unanswered}")
        with contextlib.suppress(OSError):
            kernels.shutdown(socket.SHUT_WR)
        rest, _ = drain(kernels)
        return kinds | book.read(bytes(said) + rest)
