"""The time as faults see it: a seam, so that tests of delays need not sleep.

:mod:`emulator.clock` has clocks of the same shape; a faulty virtual device and its faults may share one.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

__all__ = ["REAL", "Clock", "RealClock"]

_log = logging.getLogger(__name__)
_IDLE_SECONDS = 1.0


class Clock(Protocol):
    """Seconds of a clock that never goes back, and a way to be called later."""

    def now(self) -> float:
        """Seconds."""

    def call_at(self, when: float, action: Callable[[], None]) -> object:
        """Run ``action`` at that time, at once (yet not within this call) if it is past."""


class RealClock:
    """``time.monotonic``. Actions run in one thread, which ends when there has been nothing to do for a while."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._running = False

    def now(self) -> float:
        """Seconds of ``time.monotonic``."""
        return time.monotonic()

    def call_at(self, when: float, action: Callable[[], None]) -> None:
        """See :class:`Clock`."""
        with self._changed:
            heapq.heappush(self._heap, (when, next(self._order), action))
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="wslusb-faults", daemon=True).start()
            else:
                self._changed.notify()

    def _run(self) -> None:
        while (action := self._next()) is not None:
            try:
                action()
            except Exception:  # noqa: BLE001 - one that fails must not stop the others
                _log.exception("a delayed completion failed")

    def _next(self) -> Callable[[], None] | None:
        with self._changed:
            while True:
                wait = self._heap[0][0] - time.monotonic() if self._heap else _IDLE_SECONDS
                if wait <= 0:
                    return heapq.heappop(self._heap)[2]
                if not self._changed.wait(wait) and not self._heap:
                    self._running = False
                    return None


REAL: Clock = RealClock()
"""The clock of faults that nobody gives another one."""
