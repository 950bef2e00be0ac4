"""What must hold after every case against a live program, whatever the case was."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from tests.support.fixtures import DESCRIPTORS
from wslusb.errors import PeerReason
from wslusb.wire.frame import HEADER, MessageType
from wslusb.wire.messages import ErrorMessage

__all__ = ["HANG_SECONDS", "Finding", "Watch", "check_answers", "drain"]

HANG_SECONDS = 2.0
_PASSING = ("wslusb-clock",)
"""Threads that end by themselves a second after the last thing that they had to do."""


class Finding(AssertionError):  # noqa: N818 -- it is what the word says
    """A case did what none may do."""


class Watch(logging.Handler):
    """Collects log lines and what threads die of; counts threads and descriptors. Use it with ``with``."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._told: list[logging.LogRecord] = []
        self._died: list[str] = []
        self._hook = threading.excepthook
        self._level = logging.getLogger().level
        self._threads = self._descriptors = 0

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
        """Remember how many threads and descriptors there are at rest."""
        self._threads, self._descriptors = _threads(), _descriptors()

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
                raise Finding(f"{text} where {self._descriptors} were: {', '.join(names)}")
            time.sleep(0.001)


def _reason(record: logging.LogRecord) -> str:
    """Of the error that a line tells of."""
    arguments = record.args if isinstance(record.args, tuple) else ()
    return " ".join(str(getattr(each, "reason", "")) for each in arguments if isinstance(each, Exception))


def _threads() -> int:
    return sum(thread.name not in _PASSING for thread in threading.enumerate())


def _descriptors() -> int:
    return len(list(DESCRIPTORS.iterdir()))


def drain(sock: socket.socket) -> tuple[bytes, bool]:
    """All that comes until the end, and whether it ended in an orderly way. Finding if it does not end."""
    data = b""
    sock.settimeout(HANG_SECONDS)
    try:
        while piece := sock.recv(1 << 16):
            data += piece
    except TimeoutError as error:
        raise Finding(f"the connection has not ended within {HANG_SECONDS:.0f} s") from error
    except ConnectionResetError:
        return data, False
    return data, True


def check_answers(data: bytes, *, whole: bool) -> Iterator[str]:
    """Kinds of answers in what a service said. Finding for what the protocol does not allow it to say."""
    at, answered, over = 0, set[int](), False
    while at + HEADER.size <= len(data):
        kind, size, sequence, _handle = HEADER.unpack_from(data, at)
        payload = data[at + HEADER.size : at + HEADER.size + size]
        if over:
            raise Finding(f"a message of type {kind:#x} after an error")
        if len(payload) < size:
            break
        at += HEADER.size + size
        if kind not in set(MessageType):
            raise Finding(f"the service says {kind:#x}")
        if kind == MessageType.URB_RESPONSE:
            if sequence in answered:
                raise Finding(f"request {sequence} was answered twice")
            answered.add(sequence)
            yield f"URB_RESPONSE {payload[:4].hex()}"
        elif kind == MessageType.ERROR:
            over, reason = True, PeerReason(ErrorMessage.unpack(memoryview(payload)).reason)
            if reason is PeerReason.INTERNAL:
                raise Finding("the service calls its own failure an error of the guest's session")
            yield reason.name
        else:
            yield MessageType(kind).name
    if whole and at != len(data):
        raise Finding(f"the service ended {len(data) - at} bytes into a message")
