"""What endpoints have in common: a descriptor, a halt, and a queue of URBs that wait for the firmware.

Every method is called with the device's lock held.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable

from wslusb.usb.descriptors import Endpoint
from wslusb.usb.urb import Completion, Done, Status, Urb

__all__ = ["Pipe", "Put", "QueuedPipe", "Waiting"]

_log = logging.getLogger(__name__)

Put = Callable[[Done, Completion], None]
"""Where completions go; they are handed out after the lock is released."""


class Waiting:
    """A URB that is queued, and what was moved of it."""

    __slots__ = ("done", "moved", "parts", "rest", "urb")

    def __init__(self, urb: Urb, done: Done, rest: bytes = b"", moved: int = 0) -> None:
        self.urb = urb
        self.done = done
        self.moved = moved
        self.parts: list[memoryview] = []
        self.rest = memoryview(rest)


class Pipe(ABC):
    """What all endpoints but endpoint zero have in common. ``max_packet`` is in bytes, high-bandwidth bits left out."""

    def __init__(self, descriptor: Endpoint, put: Put) -> None:
        self.descriptor = descriptor
        self.transfer = int(descriptor.transfer)
        self.max_packet = max(1, descriptor.packet_size)
        self.halted = False
        self._put = put

    @abstractmethod
    def submit(self, urb: Urb, done: Done) -> None:
        """Queue a URB, or complete it at once."""

    @abstractmethod
    def cancel(self, urb: Urb) -> None:
        """Give a URB back if it is still queued."""

    @abstractmethod
    def flush(self, status: Status) -> None:
        """Give all queued URBs back."""

    def halt(self) -> None:
        """Stall this endpoint, and all that is queued, until the host clears it."""
        self.halted = True
        self.flush(Status.STALL)

    def clear_halt(self) -> None:
        """CLEAR_FEATURE(ENDPOINT_HALT) (USB 2.0, 9.4.5)."""
        self.halted = False


class QueuedPipe(Pipe):
    """A pipe whose URBs can wait: bulk and interrupt."""

    def __init__(self, descriptor: Endpoint, put: Put) -> None:
        super().__init__(descriptor, put)
        self._waiting: deque[Waiting] = deque()
        self._running = False

    def submit(self, urb: Urb, done: Done) -> None:
        """Queue a URB; it completes at once where the firmware is ready."""
        self._enqueue(Waiting(urb, done))

    def _enqueue(self, waiting: Waiting) -> None:
        if self.halted:
            self._put(waiting.done, Completion(waiting.urb, Status.STALL))
            return
        self._waiting.append(waiting)
        if len(self._waiting) == 1:
            self.resume()

    def cancel(self, urb: Urb) -> None:
        """Give a URB back if it is still queued; those behind it move up."""
        for waiting in self._waiting:
            if waiting.urb is urb:
                self._waiting.remove(waiting)
                self._finish(waiting, Status.CANCELLED)
                self.resume()
                return

    def flush(self, status: Status) -> None:
        """Give all queued URBs back, in order."""
        while self._waiting:
            self._finish(self._waiting.popleft(), status)

    def resume(self) -> None:
        """Go on with the queue: the firmware is ready again."""
        if not self._running:  # else the handler that we are calling called: who calls it sees what it did
            self._guarded(self._run)

    def _guarded(self, action: Callable[[], None]) -> None:
        self._running = True
        try:
            action()
        except Exception:  # noqa: BLE001 - a bug in a firmware is a broken device, not a broken program
            self._broken()
        finally:
            self._running = False

    def _broken(self) -> None:
        _log.exception("the firmware failed on endpoint %#04x", self.descriptor.address)
        self.halted = True
        self.flush(Status.STALL)

    @abstractmethod
    def _run(self) -> None: ...

    def _finish(self, waiting: Waiting, status: Status) -> None:
        self._put(waiting.done, Completion(waiting.urb, status, waiting.moved))
