"""A lock that makes no system call while nobody waits for it.

``threading.Lock`` asks the clock each time that it is taken (CPython 3.11 to 3.13, Python/thread_pthread.h, where
semaphores have ``sem_clockwait``). Where the clock is in the vDSO that is nothing; where it is a system call, as in
User-Mode Linux and under some sandboxes, it was half of what a URB cost (docs/performance.md). This one is a queue:
whoever stands first may pass. It relies on ``deque.append``, ``popleft`` and ``[0]`` being atomic, which they are
with and without the GIL.
"""

from __future__ import annotations

import threading
import time
from collections import deque

__all__ = ["Turnstile"]


class _Ticket:
    __slots__ = ("gate",)

    def __init__(self) -> None:
        self.gate: threading.Lock | None = None


class Turnstile:
    """Mutual exclusion in order of arrival, not reentrant: ``with turnstile: ...``."""

    __slots__ = ("_line",)

    def __init__(self) -> None:
        self._line: deque[_Ticket] = deque()

    def __enter__(self) -> None:
        ticket = _Ticket()
        line = self._line
        line.append(ticket)
        try:
            if line[0] is not ticket:
                self._wait(ticket)
        except BaseException:  # Ctrl-C
            self._abandon(ticket)
            raise

    def _wait(self, ticket: _Ticket) -> None:
        gate = threading.Lock()
        gate.acquire()
        ticket.gate = gate
        # Whoever left before the gate was to be seen has left the first place to us, and releases nothing.
        if self._line[0] is not ticket:
            gate.acquire()

    def _abandon(self, ticket: _Ticket) -> None:
        """Leave without having been inside. Not from the middle of the line: whoever is first calls the next."""
        while self._line[0] is not ticket:
            time.sleep(0.002)
        self.__exit__()

    def __exit__(self, *_: object) -> None:
        line = self._line
        line.popleft()
        if line:
            self._call_next()

    def _call_next(self) -> None:
        try:
            gate = self._line[0].gate
            if gate is not None:
                gate.release()
        except (IndexError, RuntimeError):
            # The next in line saw by itself that it was first; it may even be gone, and have called its own next.
            pass

    @property
    def busy(self) -> bool:
        """Whether somebody is inside at this moment."""
        return bool(self._line)

    def wait_free(self, seconds: float) -> bool:
        """Wait until nobody is inside, without getting in; False if that does not happen in time."""
        deadline = time.monotonic() + seconds
        while self._line and time.monotonic() < deadline:
            time.sleep(0.002)
        return not self._line
