"""What must hold after every case against a live program, whatever the case was."""

from __future__ import annotations

import gc
import logging
import os
import select
import socket
import threading
import time
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.fixtures import DESCRIPTORS

__all__ = ["HANG_SECONDS", "Finding", "Slow", "Watch", "drain", "push"]

HANG_SECONDS = 2.0
_PASSING = ("wslusb-clock",)
"""Threads that end by themselves a second after the last thing that they had to do."""
_OURS, _NOT_KEPT = ("wslusb.", "emulator."), ("wslusb.dissect.",)
_FEW = 2
"""Objects of a class that may come to stay: what is made at its first use."""
_MEMORY = 192 << 20
"""All credits of a few devices at once, as often as they are copied, and what Python does not give back."""
_STATM = Path("/proc/self/statm")


class Finding(AssertionError):  # noqa: N818 -- it is what the word says
    """A case did what none may do."""


class Slow(Finding):
    """It lasted for too long: a finding if it does so again, for the machine may have had other things to do."""


class Watch(logging.Handler):
    """Collects log lines and what threads die of; counts threads, descriptors, objects and memory. For ``with``."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._told: list[logging.LogRecord] = []
        self._died: list[str] = []
        self._hook = threading.excepthook
        self._threads = self._descriptors = self._resident = 0
        self._objects = Counter[str]()

    def __enter__(self) -> Self:
        for name in ("wslusb", "emulator"):
            logging.getLogger(name).addHandler(self)
            logging.getLogger(name).setLevel(logging.DEBUG)
            logging.getLogger(name).propagate = False
        threading.excepthook = lambda told: self._died.append(f"{told.exc_type.__name__}: {told.exc_value}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        threading.excepthook = self._hook
        for name in ("wslusb", "emulator"):
            logging.getLogger(name).removeHandler(self)
            logging.getLogger(name).setLevel(logging.NOTSET)
            logging.getLogger(name).propagate = True

    def emit(self, record: logging.LogRecord) -> None:
        """A line was logged."""
        self._told.append(record)

    def begin(self) -> None:
        """Remember how much there is at rest."""
        self._threads, self._descriptors = _threads(), _descriptors()
        self._objects, self._resident = _objects(), _resident()

    def allow(self, *, threads: int, descriptors: int) -> None:
        """So many more may be there from now on."""
        self._threads += threads
        self._descriptors += descriptors

    def seen(self) -> set[str]:
        """Kinds of log lines since the last call; Finding for a traceback among them, or a thread that died."""
        told, self._told = self._told, []
        died, self._died = self._died, []
        for record in told:
            if record.exc_info:
                raise Finding(f"traceback in the log: {record.getMessage()}: {record.exc_info[1]!r}")
        if died:
            raise Finding(f"a thread ended with {died[0]}")
        return {f"{record.levelname} {record.msg} {_reason(record)}" for record in told}

    def no_leaks(self) -> None:
        """Finding if there are more threads or descriptors than at the beginning, and that stays so."""
        deadline = time.monotonic() + HANG_SECONDS
        while _threads() > self._threads or _descriptors() > self._descriptors:
            if time.monotonic() > deadline:
                names = sorted(thread.name for thread in threading.enumerate())
                text = f"{_threads()} threads where {self._threads} were, {_descriptors()} descriptors"
                raise Slow(f"{text} where {self._descriptors} were: {', '.join(names)}")
            time.sleep(0.001)

    def no_litter(self) -> None:
        """Finding if objects of the program are left that were not there, or memory that no case can need.

        It looks at every object of the process, so it is not for every case.
        """
        deadline = time.monotonic() + HANG_SECONDS
        while more := {name: count for name, count in (_objects() - self._objects).items() if count > _FEW}:
            if time.monotonic() > deadline:
                raise Finding(f"objects are left: {more}")
            time.sleep(0.01)
        if (grown := _resident() - self._resident) > _MEMORY:
            raise Finding(f"{grown >> 20} MiB more than before the first case")


def _reason(record: logging.LogRecord) -> str:
    """Of the error that a line tells of."""
    arguments = record.args if isinstance(record.args, tuple) else ()
    return " ".join(str(getattr(each, "reason", "")) for each in arguments if isinstance(each, Exception))


def _threads() -> int:
    return sum(thread.name not in _PASSING for thread in threading.enumerate())


def _descriptors() -> int:
    return len(list(DESCRIPTORS.iterdir()))


def _objects() -> Counter[str]:
    """Objects by class, of those that live as long as something of a peer's does."""
    gc.collect()
    names = (f"{type(each).__module__}.{type(each).__qualname__}" for each in gc.get_objects())
    return Counter(name for name in names if name.startswith(_OURS) and not name.startswith(_NOT_KEPT))


def _resident() -> int:
    """Bytes of memory that the process has."""
    return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def push(sock: socket.socket, data: bytes, heard: bytearray) -> None:
    """Send all of it; ``heard`` grows by what is said meanwhile. OSError if nobody listens any more."""
    left, deadline = memoryview(data), time.monotonic() + HANG_SECONDS
    sock.setblocking(False)
    try:
        while left:
            readable, writable, _ = select.select([sock], [sock], [], max(deadline - time.monotonic(), 0))
            if not readable and not writable:
                raise Slow(f"nothing is read and nothing said for {HANG_SECONDS:.0f} s")
            if readable and (piece := sock.recv(1 << 16)):
                heard += piece
                deadline = time.monotonic() + HANG_SECONDS
            if writable:
                left = left[sock.send(left) :]
                deadline = time.monotonic() + HANG_SECONDS
    finally:
        sock.settimeout(HANG_SECONDS)


def drain(sock: socket.socket) -> tuple[bytes, bool]:
    """All that comes until the end, and whether it ended in an orderly way. Finding if it does not end."""
    data = b""
    sock.settimeout(HANG_SECONDS)
    try:
        while piece := sock.recv(1 << 16):
            data += piece
    except TimeoutError as error:
        raise Slow(f"the connection has not ended within {HANG_SECONDS:.0f} s") from error
    except ConnectionResetError:
        return data, False
    return data, True
