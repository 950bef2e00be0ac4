"""Many URBs at a time: lists that are queued at once, and rings that are queued again from their completions."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence

from wslusb.usb.ids import TransferType
from wslusb.usb.urb import Completion, Status, Urb

from ..subject import Failed, Subject

__all__ = ["Ring", "run_list"]

_SECONDS = 30.0


def run_list(subject: Subject, urbs: Sequence[Urb]) -> None:
    """Queue all and wait for all. Failed unless each has moved all its bytes, in the order of submission."""
    Ring(subject, urbs, len(urbs), _whole).run()


def _whole(completion: Completion) -> str:
    if completion.status != Status.OK:
        return Status(completion.status).name
    if completion.actual_length != completion.urb.length:
        return f"{completion.actual_length} of {completion.urb.length} bytes"
    return ""


class Ring:
    """``urbs`` go round until ``count`` have completed; ``check`` says what is wrong with a completion, "" if nothing.

    The first fault ends it: nothing is queued any more, and what is under way is cancelled.
    """

    def __init__(self, subject: Subject, urbs: Sequence[Urb], count: int, check: Callable[[Completion], str]) -> None:
        self.subject = subject
        self.faults: list[str] = []
        self.packets = 0
        self.bad_packets = 0
        self._urbs = urbs
        self._check = check
        self._left = count
        self._pending = 0
        self._next = 0
        self._lock = threading.Lock()
        self._todo: deque[Urb] = deque()
        self._submitting = threading.Lock()
        self._finished = threading.Event()

    def run(self) -> None:
        """Queue them, and wait for the last. Failed with the first fault."""
        self._todo.extend(self._urbs[: self._left])
        self._pending = len(self._todo)
        self._left -= self._pending
        self._submit()
        if not self._finished.wait(_SECONDS):
            self.faults.append(f"not through after {_SECONDS:.0f} s")
            self._cancel()
            self._finished.wait(_SECONDS)
        if self.faults:
            raise Failed(self.faults[0])

    def _submit(self) -> None:
        """Queue what is to be queued. One thread at a time does, so that the order of completions stays the order."""
        while self._todo and self._submitting.acquire(blocking=False):
            try:
                while self._todo:
                    self.subject.device.submit(self._todo.popleft(), self._done)
            finally:
                self._submitting.release()

    def _cancel(self) -> None:
        for urb in self._urbs:
            self.subject.device.cancel(urb)

    def _done(self, completion: Completion) -> None:
        with self._lock:
            wrong = self._look(completion)
            again = not self.faults and self._left > 0
            self._left -= again
            self._pending -= not again
            finished = not self._pending
        if again:
            self._todo.append(completion.urb)
            self._submit()
        elif finished:
            self._finished.set()
        if wrong:
            self._cancel()

    def _look(self, completion: Completion) -> str:
        """A fault of this completion; those that come after the first are only its consequences."""
        if completion.urb.transfer == TransferType.ISOCHRONOUS:
            self.packets += len(completion.iso)
            self.bad_packets += sum(result.status != Status.OK for result in completion.iso)
        wrong = self._check(completion)
        if self._urbs[self._next] is not completion.urb:
            wrong = wrong or f"a URB of endpoint {completion.urb.endpoint:#04x} overtook the one before it"
        self._next = (self._next + 1) % len(self._urbs)
        if wrong and not self.faults:
            self.faults.append(wrong)
            return wrong
        return ""
