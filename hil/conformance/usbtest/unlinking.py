"""Cases 11, 12 and 24: URBs that are taken back while they are under way."""

from __future__ import annotations

import threading

from wslusb.usb.descriptors import Endpoint
from wslusb.usb.ids import TransferType
from wslusb.usb.urb import Completion, Status

from ..case import Cases
from ..subject import Failed, NotApplicable, Subject
from .pipes import PARAMETERS, pipes
from .transfers import zeroes

__all__ = ["CASES"]

CASES = Cases()

_SECONDS = 10.0
_RUN_SECONDS = 0.003
"""How long the endpoint is kept busy before its URB is taken back."""


class _Busy:
    """One URB that is queued again from its completion, until :meth:`stop`."""

    def __init__(self, subject: Subject, endpoint: Endpoint, length: int) -> None:
        self._device = subject.device
        self._urb = zeroes(endpoint, length)
        self._stopping = False
        self._idle = threading.Event()
        self._ends = 0
        self.status: int = Status.OK
        # A device that waits for nothing completes within submit, so that one never returns while this goes on.
        self._thread = threading.Thread(target=self._submit, daemon=True)
        self._thread.start()

    def _submit(self) -> None:
        self._device.submit(self._urb, self._done)

    def _done(self, completion: Completion) -> None:
        if completion.status == Status.OK and not self._stopping:
            self._submit()
            return
        self.status = completion.status
        self._ends += 1
        self._idle.set()

    def stop(self, queue_again: bool) -> int:
        """Take the URB back; the status that it ended with. ``queue_again``: it races with being queued anew."""
        if not queue_again:
            self._stopping = True
        self._device.cancel(self._urb)
        self._stopping = True
        if not self._idle.wait(_SECONDS):
            raise Failed(f"not given back within {_SECONDS:.0f} s")
        self._thread.join(_SECONDS)
        if self._ends != 1:
            raise Failed(f"given back {self._ends} times")
        return self.status


def _unlink(subject: Subject, endpoint: Endpoint | None) -> str:
    if endpoint is None:
        raise NotApplicable("no bulk endpoint in that direction")
    won, count = 0, 2 * PARAMETERS.iterations
    for number in range(count):
        busy = _Busy(subject, endpoint, PARAMETERS.length)
        threading.Event().wait(_RUN_SECONDS)
        status = busy.stop(queue_again=number % 2 == 0)
        if status not in {Status.OK, Status.CANCELLED}:
            raise Failed(f"ended with {Status(status).name}")
        won += status == Status.CANCELLED
    return f"{won} of {count} were caught under way"


@CASES.case("usbtest", "11")
def unlink_reads(subject: Subject) -> str:
    """Reads taken back while they go on: each is given back once."""
    return _unlink(subject, pipes(subject, TransferType.BULK).source)


@CASES.case("usbtest", "12")
def unlink_writes(subject: Subject) -> str:
    """Writes taken back while they go on: each is given back once."""
    return _unlink(subject, pipes(subject, TransferType.BULK).sink)


@CASES.case("usbtest", "24")
def unlink_from_a_queue(subject: Subject) -> str:
    """Two writes taken out of the end of a queue: the others complete, and in order."""
    sink = pipes(subject, TransferType.BULK).sink
    if sink is None:
        raise NotApplicable("no bulk OUT endpoint")
    return f"{sum(_unlink_two(subject, sink) for _ in range(PARAMETERS.iterations))} were caught under way"


def _unlink_two(subject: Subject, sink: Endpoint) -> int:
    urbs = [zeroes(sink, PARAMETERS.length) for _ in range(PARAMETERS.depth)]
    seen: list[Completion] = []
    finished = threading.Event()

    def done(completion: Completion) -> None:
        seen.append(completion)
        if len(seen) == len(urbs):
            finished.set()

    for urb in urbs:
        subject.device.submit(urb, done)
    victims = (urbs[-4], urbs[-2])
    for urb in victims:
        subject.device.cancel(urb)
    if not finished.wait(_SECONDS):
        raise Failed(f"{len(seen)} of {len(urbs)} completed within {_SECONDS:.0f} s")
    for completion in seen:
        allowed = {Status.OK, Status.CANCELLED} if completion.urb in victims else {Status.OK}
        if completion.status not in allowed:
            raise Failed(f"URB {urbs.index(completion.urb)} ended with {Status(completion.status).name}")
    left = [completion.urb for completion in seen if completion.status == Status.OK]
    if left != [urb for urb in urbs if urb in left]:
        raise Failed("completions are not in the order of submission")
    return sum(completion.status == Status.CANCELLED for completion in seen)
