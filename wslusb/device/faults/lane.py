"""The URBs of one endpoint on their way through a faulty device, in order. All methods are called with its lock held.

A URB waits (WAITING), is with the device (SENDING while it is being handed over, then OUT), is held back although the
device has done it (KEPT), or is READY to be told. URBs are handed over in order, and told in order; a cancelled one is
told at once, as on any Device.
"""

from __future__ import annotations

import dataclasses
import enum
from collections import deque

from ...usb.urb import Completion, Done, Status, Urb
from .course import FOR_EVER, Course, outgoing

__all__ = ["Flight", "Lane", "State"]


class State(enum.Enum):
    """Where a URB is."""

    WAITING = enum.auto()
    SENDING = enum.auto()
    OUT = enum.auto()
    KEPT = enum.auto()
    READY = enum.auto()


class Flight:
    """One URB on its way.

    ``record`` are the journal's numbers of what befalls it. ``cancelled``: its owner wants it back, before those in
    front of it. ``recalled``: all of its endpoint are to end, in order.
    """

    __slots__ = (
        "cancelled", "completion", "course", "done", "due", "lane", "not_before", "recalled", "record", "sent", "state",
        "told", "urb",
    )  # fmt: skip

    def __init__(self, urb: Urb, done: Done, lane: Lane, course: Course, now: float) -> None:
        self.urb = urb
        self.done = done
        self.lane = lane
        self.course = course
        self.record: list[int] = []
        self.not_before = now + course.hold if course.hold else 0.0
        self.sent = urb
        self.state = State.WAITING
        self.completion: Completion | None = None
        self.due = 0.0
        self.cancelled = False
        self.recalled = False
        self.told = False

    def own(self) -> None:
        """Copy the OUT data: it is handed over after its owner has them back."""
        if not self.urb.is_in:
            self.sent = dataclasses.replace(self.urb, data=bytes(self.urb.data))

    def prepare(self) -> Urb:
        """What the device is to get."""
        self.sent = outgoing(self.sent, self.course)
        return self.sent

    def end(self, status: Status) -> None:
        """It ends without the device."""
        self.ready(Completion(self.urb, status))

    def ready(self, completion: Completion | None = None) -> None:
        """It may be told, with what it has been completed with or with ``completion``."""
        self.completion = completion or self.completion
        self.state = State.READY

    def let_go(self) -> None:
        """Held back no longer, since it is wanted back: who wins is a matter of its course."""
        if self.completion is not None and not self.course.loses and self.completion.status != Status.GONE:
            self.completion.status = Status.CANCELLED
        self.ready()


class Lane:
    """One endpoint."""

    def __init__(self, key: int) -> None:
        self.key = key
        self.waiting: deque[Flight] = deque()
        self.started: deque[Flight] = deque()
        self.outbox: deque[Flight] = deque()
        self.sending = False
        """Somebody is handing a URB over; whoever it is goes on with the next."""
        self.teller = 0
        """The thread that is calling a ``done``, and goes on with the next; 0 for none."""
        self.telling: Flight | None = None
        """Whose ``done`` it is calling."""
        self.halted = False
        self.nak_until = 0.0
        self.free_at = 0.0
        """When the bandwidth that was used up is there again."""
        self.alarm = 0.0

    def flights(self) -> list[Flight]:
        """All that have not been told, in order."""
        telling = () if self.telling is None else (self.telling,)
        return [*telling, *self.outbox, *self.started, *self.waiting]

    def claim(self, now: float) -> Flight | None:
        """The next to be handed over, if its time has come and nobody else is at it."""
        while self.waiting and not self.sending and self.blocked_until <= now:
            flight = self.waiting.popleft()
            self.started.append(flight)
            if flight.course.reaches:
                flight.state, self.sending = State.SENDING, True
                return flight
            flight.end(flight.course.status or Status.OK)
        return None

    @property
    def blocked_until(self) -> float:
        """When the first that waits may go on; 0 if none does."""
        return max(self.waiting[0].not_before, self.nak_until) if self.waiting else 0.0

    def settle(self, now: float) -> None:
        """Put what may be told into the outbox."""
        started = self.started
        while started:
            head = started[0]
            if head.state is State.KEPT and head.due <= now:
                head.ready()
            if head.state is not State.READY:
                break
            self.outbox.append(started.popleft())

    @property
    def next_alarm(self) -> float:
        """When there is something to be done without anybody calling; :data:`FOR_EVER` for never."""
        kept = self.started[0].due if self.started and self.started[0].state is State.KEPT else FOR_EVER
        blocked = self.blocked_until if self.waiting and not self.sending else FOR_EVER
        return min(kept, blocked)

    def pull(self, flight: Flight) -> None:
        """Tell one that was cancelled before those in front of it."""
        queue = self.started if flight in self.started else self.waiting
        queue.remove(flight)
        self.outbox.append(flight)

    def give_back(self, status: Status) -> None:
        """What waits ends with ``status``. What is held back is so no longer, what is with the device will not be."""
        for flight in self.started:
            if flight.state is State.KEPT:
                flight.let_go()
            elif flight.state is not State.READY:
                flight.recalled = True
        while self.waiting:
            flight = self.waiting.popleft()
            flight.end(status)
            self.started.append(flight)
