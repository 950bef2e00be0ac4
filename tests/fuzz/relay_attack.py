"""A kernel that writes what no kernel writes: mutated USB/IP commands into the relay, with a real service behind it."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections import Counter

from tests.fuzz.attacked import Attacked
from tests.fuzz.mutation import Channel
from tests.fuzz.oracle import HANG_SECONDS, Finding, drain
from tests.support.kernel import RET_SUBMIT, RET_UNLINK, pack_submit, pack_unlink
from wslusb.errors import LocalError
from wslusb.guest.relay import Relay
from wslusb.transport.stream import Peer, SocketStream
from wslusb.wire.usbip import Submit, SubmitBuffer

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
        client = self._world.client()
        device = client.open(self._world.info())
        ours, kernels = socket.socketpair()
        relay = Relay(SocketStream(ours, Peer("unix", 0)), device, lambda: bool(case[:1] and case[0] & 1))
        thread = threading.Thread(target=relay.run)
        thread.start()
        channel, sent = Channel(case, big=True), b""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for command in _COMMANDS:
                for piece in channel.through(command):
                    kernels.sendall(piece)
                    sent += piece
        with contextlib.suppress(OSError):
            kernels.shutdown(socket.SHUT_WR)
        data, _whole = drain(kernels)
        thread.join(HANG_SECONDS)
        if thread.is_alive():
            raise Finding("the relay has not ended")
        device.close()
        client.close()
        ours.close()
        kernels.close()
        self._world.free()
        self._world.works()
        self._watch.no_leaks()
        seen = self._watch.seen()
        if broken := [line for line in seen if "broke the protocol" in line or "ended the connection" in line]:
            raise Finding(f"the kernel's mistake has become the guest's: {broken[0]}")
        return seen | _check(sent, data)


def _check(sent: bytes, data: bytes) -> set[str]:
    """Kinds of answers. Finding for one that a kernel would not survive."""
    asked, times = _asked(sent)
    seen, at, answers = set[str](), 0, Counter[int]()
    while at + 48 <= len(data):
        command, number = struct.unpack_from(">II", data, at)
        status, actual, _start, count, errors = struct.unpack_from(">iiiii", data, at + 20)
        seen.add(f"{command} {status}")
        at += 48
        if command == RET_UNLINK:
            continue
        submit = asked.get(number)
        answers[number] += 1
        if command != RET_SUBMIT or submit is None or answers[number] > times[number]:
            raise Finding(f"answer {command} to {number}, which was not asked so often")
        if not 0 <= actual <= submit.urb.length or count != len(submit.offsets) or not 0 <= errors <= count:
            raise Finding(f"{actual} bytes, {count} packets, {errors} errors in answer to {submit}")
        if times[number] > 1:
            break  # it cannot be told which of them this answers, and so not where the next answer begins
        at += (actual if submit.urb.is_in else 0) + 16 * count
    return seen


def _asked(sent: bytes) -> tuple[dict[int, Submit], Counter[int]]:
    """What a reader of the same bytes understands: requests by number, and how often each number came."""
    buffer, found, times = SubmitBuffer(size=len(sent) + 1), dict[int, Submit](), Counter[int]()
    buffer.writable()[: len(sent)] = sent
    buffer.received(len(sent))
    with contextlib.suppress(LocalError):
        while (command := buffer.next()) is not None:
            if isinstance(command, Submit):
                times[command.sequence] += 1
                found.setdefault(command.sequence, command)
    return found, times
