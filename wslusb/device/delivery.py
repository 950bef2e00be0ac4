"""Giving completions to their owners: in order, with no lock held, never recursively.

Completions are put in under the device's lock and handed out after it was released, by whichever thread comes first.
A ``done`` that submits again finds the hand-out under way, leaves its completion in the queue and returns: the outer
frame takes it. So a driver that resubmits from ``done`` for ever uses no stack, and no thread is needed.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from ..usb.urb import Completion, Done

__all__ = ["Delivery"]

_log = logging.getLogger(__name__)


class Delivery:
    """An ordered queue of completions that the threads which fill it also empty."""

    def __init__(self) -> None:
        self._queue: deque[tuple[Callable[[Any], None], Any]] = deque()
        self._busy = threading.Lock()
        self._runner = 0

    def put(self, done: Done, completion: Completion) -> None:
        """Queue one. The caller holds the lock that orders completions, and calls :meth:`run` after releasing it."""
        self._queue.append((done, completion))

    def run(self) -> None:
        """Hand out what is queued, unless somebody (perhaps a caller of this very frame) is at it."""
        # The queue is looked at again after the release: what came in between that and the last look is ours too.
        queue = self._queue
        while queue and self._busy.acquire(False):
            self._runner = threading.get_ident()
            try:
                while queue:
                    done, completion = queue.popleft()
                    try:
                        done(completion)
                    except Exception:  # noqa: BLE001 - the URB counts as answered; other URBs' owners must not suffer
                        _log.exception("done() of URB %d raised", completion.urb.sequence)
            finally:
                self._runner = 0
                self._busy.release()

    def flush(self) -> None:
        """Return when all that was queued before has been handed out. Inside ``done`` it cannot wait and does not."""
        if self._runner == threading.get_ident():
            return
        passed = threading.Event()
        self._queue.append((threading.Event.set, passed))
        self.run()
        passed.wait()
