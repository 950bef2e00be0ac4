"""What time it is for devices that are not only hardware, and calls at a later time: real, or moved on by a test.

Times are seconds of a clock that never goes back. Actions run one after the other in order of their times, in no
lock, and must not block.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

__all__ = ["REAL", "Clock", "RealClock", "Timer", "VirtualClock"]

_log = logging.getLogger(__name__)
_IDLE_SECONDS = 1.0


class Timer:
    """An action that is to come. ``cancel`` may be called at any time, also after it ran."""

    __slots__ = ("action", "when")

    def __init__(self, when: float, action: Callable[[], None]) -> None:
        self.when = when
        self.action: Callable[[], None] | None = action

    def cancel(self) -> None:
        """It will not run any more, unless it is running already."""
        self.action = None

    def run(self) -> None:
        """Run it, once."""
        action, self.action = self.action, None
        if action is None:
            return
        try:
            action()
        except Exception:  # noqa: BLE001 - a bug of one device must not stop the clock of the others
            _log.exception("an action at a later time failed")


class Clock(Protocol):
    """The time, and a way to be called later."""

    def now(self) -> float:
        """Seconds."""

    def call_at(self, when: float, action: Callable[[], None]) -> Timer:
        """Run ``action`` at that time, at once (yet not within this call) if it is past."""


class RealClock:
    """``time.monotonic``, and one thread for all actions, which ends when there has been nothing to do for a while."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._running = False

    def now(self) -> float:
        """Seconds of ``time.monotonic``."""
        return time.monotonic()

    def call_at(self, when: float, action: Callable[[], None]) -> Timer:
        """See :class:`Clock`; the actions run in the clock's thread."""
        timer = Timer(when, action)
        with self._changed:
            heapq.heappush(self._heap, (when, next(self._order), timer))
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="wslusb-clock", daemon=True).start()
            elif self._heap[0][2] is timer:
                self._changed.notify()
        return timer

    def _run(self) -> None:
        while (timer := self._next()) is not None:
            timer.run()

    def _next(self) -> Timer | None:
        with self._changed:
            while True:
                if not self._heap:
                    if not self._changed.wait(_IDLE_SECONDS) and not self._heap:
                        self._running = False
                        return None
                    continue
                wait = self._heap[0][0] - time.monotonic()
                if wait <= 0:
                    return heapq.heappop(self._heap)[2]
                self._changed.wait(wait)


REAL: Clock = RealClock()
"""The clock of whoever is given no other."""


class VirtualClock:
    """A clock that stands until :meth:`advance`. For one thread."""

    def __init__(self) -> None:
        self._now = 0.0
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()

    def now(self) -> float:
        """Seconds that it was advanced by so far."""
        return self._now

    def call_at(self, when: float, action: Callable[[], None]) -> Timer:
        """See :class:`Clock`; the action runs within :meth:`advance`."""
        timer = Timer(when, action)
        heapq.heappush(self._heap, (when, next(self._order), timer))
        return timer

    def advance(self, seconds: float) -> None:
        """Move on; every action that falls due runs at its own time."""
        end = self._now + seconds
        while self._heap and self._heap[0][0] <= end:
            when, _, timer = heapq.heappop(self._heap)
            self._now = max(self._now, when)
            timer.run()
        self._now = end
