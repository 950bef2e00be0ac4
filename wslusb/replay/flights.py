"""URBs on their way through a replayed device: a queue an endpoint. Called with the device's lock held."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from ..usb.urb import Completion, Done, Status, Urb
from .script import Reply

__all__ = ["Flight", "Flights"]


class Flight:
    """One URB, and what it is to end with."""

    __slots__ = ("done", "due", "reply", "submitted", "urb", "watched")

    def __init__(self, urb: Urb, done: Done, reply: Reply | None, now: float) -> None:
        self.urb, self.done, self.reply = urb, done, reply
        """The reply of one that has not come to the head of its queue may be None still."""
        self.submitted = now
        self.watched: object = None
        """What it waits for: a call at the end of that time has been asked for."""
        self.due: float | None = None
        """When it is to be told; None while its answer has not been asked for."""


class Flights:
    """``due`` says when a URB's answer is to come, None for not yet; it is asked for the first of each queue.

    ``ask`` is for the reply of a first that has none; ``returned`` is told of URBs that were taken back.
    """

    def __init__(
        self, put: Callable[[Done, Completion], None], due: Callable[[Flight], float | None],
        ask: Callable[[Urb], Reply], returned: Callable[[Urb, Reply | None], None],
    ) -> None:  # fmt: skip
        self._ask = ask
        self._put = put
        self._due = due
        self._returned = returned
        self._lanes: dict[int, deque[Flight]] = {}

    def add(self, lane: int, flight: Flight) -> None:
        """One more, behind the others of its lane."""
        self._lanes.setdefault(lane, deque()).append(flight)

    def __iter__(self) -> Iterator[Flight]:
        return (flight for lane in self._lanes.values() for flight in lane)

    def settle(self, now: float) -> None:
        """Tell what is due."""
        for lane in self._lanes.values():
            while lane:
                head = lane[0]
                if head.reply is None:
                    head.reply = self._ask(head.urb)
                if head.reply.waits:
                    break
                head.due = self._due(head) if head.due is None else head.due
                if head.due is None or head.due > now:
                    break
                lane.popleft()
                self._put(head.done, head.reply.completion(head.urb))

    def take_back(self, urb: Urb) -> None:
        """Its host wants this one back: CANCELLED, with what it had moved in the capture if it was cancelled there."""
        for lane in self._lanes.values():
            for flight in lane:
                if flight.urb is urb:
                    lane.remove(flight)
                    self._give_back([flight])
                    return

    def flush(self, lanes: set[int] | None = None, status: Status = Status.CANCELLED) -> None:
        """Take back all of these lanes, or of all."""
        for lane, flights in self._lanes.items():
            if lanes is None or lane in lanes:
                self._give_back(list(flights), status)
                flights.clear()

    def _give_back(self, flights: list[Flight], status: Status = Status.CANCELLED) -> None:
        for flight in reversed(flights):
            self._returned(flight.urb, flight.reply)
        for flight in flights:
            reply = flight.reply if flight.reply is not None and flight.reply.waits else Reply()
            self._put(flight.done, reply.completion(flight.urb, status))
