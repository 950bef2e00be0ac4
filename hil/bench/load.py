"""Load: a number of equal transfers, some of them in flight at the same time, and what they took."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from hil.bench.far_end import PLAIN_REQUEST, FarEnd, receive_exactly
from wslusb.device.api import Device
from wslusb.usb.ids import TransferType
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Completion, Urb, UrbFlag

__all__ = ["Case", "Cost", "plain", "urbs"]

_SOURCE, _SINK = 0x81, 0x01
_GET_STATUS = Setup(0x80, 0, 0, 0, 2)
_SHORT_OK = int(UrbFlag.SHORT_OK)
_RESPONSE_HEAD = 36
_SECONDS = 60.0


@dataclass(frozen=True)
class Case:
    """A kind of load. ``kind`` is ``in``, ``out`` or ``control``; ``depth`` transfers are in flight at a time."""

    kind: str
    size: int
    depth: int

    @property
    def name(self) -> str:
        """For the table."""
        if self.kind == "control":
            return "GET_STATUS"
        size = f"{self.size} B" if self.size < 1024 else f"{self.size // 1024} KiB"
        return f"bulk {self.kind} {size}, depth {self.depth}"

    def urb(self) -> Urb:
        """A fresh URB of this kind, for the loopback device of the emulator."""
        if self.kind == "control":
            return Urb(0, 0, TransferType.CONTROL, 2, _SHORT_OK, b"", _GET_STATUS)
        if self.kind == "in":
            return Urb(0, _SOURCE, TransferType.BULK, self.size, _SHORT_OK)
        return Urb(0, _SINK, TransferType.BULK, self.size, 0, _zeroes(self.size))


def _zeroes(size: int, kept: dict[int, bytes] = {}) -> bytes:  # noqa: B006 - on purpose: made once a size
    return kept.setdefault(size, bytes(size))


@dataclass(frozen=True)
class Cost:
    """What ``count`` transfers took: seconds, and seconds of CPU time on either side."""

    count: int
    seconds: float
    near_cpu: float
    far_cpu: float

    @property
    def per_second(self) -> float:
        """Transfers a second."""
        return self.count / self.seconds

    @property
    def near_us(self) -> float:
        """Microseconds of CPU time a transfer here: the guest's side."""
        return self.near_cpu / self.count * 1e6

    @property
    def far_us(self) -> float:
        """The same at the far end: the host's side, the virtual device with it."""
        return self.far_cpu / self.count * 1e6


def measured(far: FarEnd, count: int, work: Callable[[], None]) -> Cost:
    """Do the work, and take the times."""
    far_cpu, cpu, start = far.cpu(), time.process_time(), time.perf_counter()
    work()
    seconds, used = time.perf_counter() - start, time.process_time() - cpu
    return Cost(count, seconds, used, far.cpu() - far_cpu)


def urbs(device: Device, far: FarEnd, case: Case, count: int) -> Cost:
    """Transfers through the protocol. Each completion submits the next, on the thread that brought it."""
    finished = threading.Event()
    failures: list[int] = []
    left = [count, count]  # to be submitted, to be completed: both are changed by one thread at a time

    def done(completion: Completion) -> None:
        if completion.status or completion.actual_length != case.size:
            failures.append(completion.status)
        left[1] -= 1
        if left[0] > 0:
            left[0] -= 1
            device.submit(case.urb(), done)
        elif left[1] == 0:
            finished.set()

    def work() -> None:
        first = [case.urb() for _ in range(min(case.depth, count))]
        left[0] -= len(first)
        for urb in first:
            device.submit(urb, done)
        if not finished.wait(_SECONDS):
            raise TimeoutError(f"{case.name}: {left[1]} transfers have not come back")

    cost = measured(far, count, work)
    if failures:
        raise RuntimeError(f"{case.name}: {len(failures)} transfers failed, the first with status {failures[0]:#x}")
    return cost


def plain(sock: socket.socket, far: FarEnd, case: Case, count: int) -> Cost:
    """The same bytes in the same pattern with nothing around them: what the sockets of this machine can do."""
    there, back = (case.size, 0) if case.kind == "out" else (0, case.size)
    request = PLAIN_REQUEST.pack(there, back + _RESPONSE_HEAD)
    data = _zeroes(there)
    answer = memoryview(bytearray(back + _RESPONSE_HEAD))

    def work() -> None:
        for _ in range(min(case.depth, count)):
            _send(sock, request, data)
        for number in range(count):
            receive_exactly(sock, answer)
            if number < count - case.depth:
                _send(sock, request, data)

    return measured(far, count, work)


def _send(sock: socket.socket, request: bytes, data: bytes) -> None:
    sent = sock.sendmsg((request, data))
    if sent != len(request) + len(data):
        sock.sendall((request + data)[sent:])
