"""The thread that handles libusb's events, and what others leave it to do in between."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from .libusb_native import Native

__all__ = ["EventThread"]

_ERROR_PAUSE = 0.05  # seconds: libusb reports an error of poll() again and again


class EventThread:
    """Calls libusb's callbacks until ``finished`` says that all is over.

    It is the only thread that tells completions. Others hand it theirs with :meth:`later`; ``after`` is called after
    each of those.
    """

    def __init__(self, native: Native, finished: Callable[[], bool], after: Callable[[], None]) -> None:
        self._native, self._finished, self._after = native, finished, after
        self._todo: deque[Callable[[], None]] = deque()
        self._thread = threading.Thread(target=self._run, name=f"wslusb libusb {native.name}", daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether something is left to do, or being done."""
        return bool(self._todo)

    def is_current(self) -> bool:
        """Whether the caller runs in this thread, that is, inside a callback."""
        return threading.current_thread() is self._thread

    def later(self, action: Callable[[], None]) -> None:
        """Have the thread do something as soon as libusb lets it go, in order. Any thread, any lock held."""
        self._todo.append(action)
        self._native.interrupt()

    def join(self) -> None:
        """Wake the thread, and return when it has ended."""
        self._native.interrupt()
        self._thread.join()

    def _run(self) -> None:
        while not self._finished():
            if self._native.handle_events() < 0:
                time.sleep(_ERROR_PAUSE)
            while self._todo:
                self._todo[0]()
                self._todo.popleft()  # only now: until it is done, it is something left to do
                self._after()
