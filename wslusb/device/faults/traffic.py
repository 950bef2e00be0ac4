"""URBs between their owners and a device that may misbehave: who hands them over, who tells them, in what order.

One lock for all lanes. It is not held while the device or a ``done`` is called; each lane is served by one thread at a
time instead, whichever comes first, and what others bring meanwhile is taken by that thread. So a driver that submits
again from ``done`` for ever uses no stack, and nothing overtakes on an endpoint.
"""

from __future__ import annotations

import functools
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable

from ...errors import LocalError, LocalReason
from ...usb.urb import Completion, Status, Urb
from ..api import Device
from ..clock import Clock
from .course import FOR_EVER, NOT_DONE, Course, incoming
from .lane import Flight, Lane, State

__all__ = ["Traffic"]

_log = logging.getLogger(__name__)


class Traffic:
    """The lanes of one device. Methods that say so are called with ``lock`` held, the others without.

    ``answered`` is called, with the lock held, when the device has done its part of a URB, and ``ended``, without it,
    when the URB's owner has been told.
    """

    def __init__(
        self, device: Device, clock: Clock, answered: Callable[[Flight, Completion], None],
        ended: Callable[[Flight, Completion], None],
    ) -> None:  # fmt: skip
        self._device = device
        self._clock = clock
        self._answered = answered
        self._ended = ended
        self._lanes: dict[int, Lane] = {}
        self._flights: dict[Urb, Flight] = {}
        self._recalled: deque[Flight] = deque()
        """With the device, and to be cancelled there by whoever holds no lock next."""
        self.lock = threading.Lock()
        self._told = threading.Condition(self.lock)

    def lane(self, key: int) -> Lane:
        """The lane of an endpoint. With the lock held."""
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(key)
        return lane

    def lanes(self) -> Iterable[Lane]:
        """All that were used. With the lock held."""
        return self._lanes.values()

    def begin(self, flight: Flight) -> Flight | None:
        """A URB begins its way. With the lock held; :meth:`run` must follow, with what this answers."""
        lane = flight.lane
        self._flights[flight.urb] = flight
        lane.waiting.append(flight)
        claimed = lane.claim(self._clock.now())
        if claimed is not flight and flight.state is State.WAITING:
            flight.own()
        return claimed

    def cancel(self, urb: Urb) -> None:
        """What is held back here is given back at once; of what is with the device, the device decides."""
        with self.lock:
            flight = self._flights.get(urb)
            if flight is None:
                return
            lane = flight.lane
            flight.cancelled = True
            forward = flight.state is State.OUT
            if flight.state is State.WAITING:
                flight.end(Status.CANCELLED)
            elif flight.state is State.KEPT:
                flight.let_go()
            if flight.state is State.READY and flight not in lane.outbox:
                lane.pull(flight)
            claimed = lane.claim(self._clock.now())
        if forward:
            self._device.cancel(flight.sent)
        self.run(lane, claimed)

    # -- each lane by one thread at a time

    def run(self, lane: Lane, flight: Flight | None = None) -> None:
        """Hand over what may be, beginning with a flight that was claimed; tell what may be told."""
        while flight is not None:
            flight = self._hand_over(lane, flight)
        self._tell(lane)
        while self._recalled:
            try:
                recalled = self._recalled.popleft()
            except IndexError:  # another thread was faster
                break
            self._device.cancel(recalled.sent)

    def _hand_over(self, lane: Lane, flight: Flight) -> Flight | None:
        """Submit one to the device; which one comes next."""
        try:
            self._device.submit(flight.prepare(), functools.partial(self._returned, flight))
        except BaseException:
            with self.lock:
                lane.sending = False
                lane.started.remove(flight)
                del self._flights[flight.urb]
            raise
        with self.lock:
            lane.sending = False
            if flight.state is State.SENDING:
                flight.state = State.OUT
            forward = (flight.cancelled or flight.recalled) and flight.state is State.OUT
        if forward:
            # It was wanted back while the device did not have it yet.
            self._device.cancel(flight.sent)
        with self.lock:
            return lane.claim(self._clock.now())

    def _returned(self, flight: Flight, answer: Completion) -> None:
        """The device has done its part of a URB."""
        lane, now = flight.lane, self._clock.now()
        with self.lock:
            self._answered(flight, answer)
            completion = incoming(flight.urb, flight.course, answer)
            flight.completion = completion
            flight.due = self._due(flight, now)
            flight.state = State.KEPT
            if flight.cancelled or flight.recalled:
                flight.let_go()
            elif answer.status in NOT_DONE:
                flight.ready()
            if flight.cancelled:
                lane.pull(flight)
            if answer.status == Status.GONE:
                lane.give_back(Status.GONE)
            lane.settle(now)
            mine = not lane.teller and bool(lane.outbox) and lane.outbox[0] is flight
            if mine:
                # Within this call the data are where the device has put them.
                self._take(lane)
            else:
                completion.data = bytes(completion.data)
        if mine:
            self._say(lane, flight)
        self.run(lane, None)

    @staticmethod
    def _due(flight: Flight, now: float) -> float:
        """When a URB that the device has done may be told."""
        lane, course = flight.lane, flight.course
        due = now + course.keep
        if course.rate and flight.completion is not None:
            lane.free_at = max(lane.free_at, now) + flight.completion.actual_length / course.rate
            due = max(due, lane.free_at)
        return due

    def _take(self, lane: Lane) -> Flight:
        flight = lane.outbox.popleft()
        lane.teller, lane.telling = threading.get_ident(), flight
        del self._flights[flight.urb]
        return flight

    def _tell(self, lane: Lane) -> None:
        while True:
            with self.lock:
                now = self._clock.now()
                lane.settle(now)
                self._set_alarm(lane, now)
                if lane.teller or not lane.outbox:
                    return
                flight = self._take(lane)
            self._say(lane, flight)

    def _say(self, lane: Lane, flight: Flight) -> None:
        """Call ``done``. Whoever does is the lane's teller."""
        completion = flight.completion
        assert completion is not None  # noqa: S101 - it was READY
        try:
            flight.done(completion)
            for _ in range(flight.course.copies - 1):
                self._say_again(flight, completion)
        except Exception:  # noqa: BLE001 - the URB counts as answered; the other URBs' owners must not suffer
            _log.exception("done() of URB %d raised", flight.urb.sequence)
        finally:
            self._ended(flight, completion)
            with self._told:
                lane.teller, lane.telling = 0, None
                flight.told = True
                self._told.notify_all()

    @staticmethod
    def _say_again(flight: Flight, completion: Completion) -> None:
        try:
            flight.done(completion)
        except Exception as error:  # noqa: BLE001 - to refuse it is what its owner should do
            _log.warning("URB %d was completed twice: refused (%r)", flight.urb.sequence, error)

    def _set_alarm(self, lane: Lane, now: float) -> None:
        when = lane.next_alarm
        if when == FOR_EVER or now < lane.alarm <= when:
            return
        lane.alarm = when
        self._clock.call_at(when, functools.partial(self._wake, lane))

    def _wake(self, lane: Lane) -> None:
        with self.lock:
            lane.alarm = 0.0
            claimed = lane.claim(self._clock.now())
        self.run(lane, claimed)

    # -- all at once

    def fail(self, status: Status) -> None:
        """All that is under way ends so, soon. With the lock held."""
        now = self._clock.now()
        for lane in self._lanes.values():
            lane.give_back(status)
            for flight in lane.started:
                if flight.state in (State.SENDING, State.OUT):
                    flight.course = Course(status, limit=0, overrules=True)
                    flight.cancelled = True
                    if flight.state is State.OUT:
                        self._recalled.append(flight)
            self._clock.call_at(now, functools.partial(self._wake, lane))

    def give_back(self, action: Callable[[], None], affected: Callable[[int], bool]) -> None:
        """Do what ends the URBs of some endpoints: those that are here, then the device its own; all are told."""
        with self.lock:
            lanes = [lane for lane in self._lanes.values() if affected(lane.key)]
            flights = [flight for lane in lanes for flight in lane.flights()]
            for lane in lanes:
                lane.give_back(Status.CANCELLED)
                lane.halted = False
        for lane in lanes:
            self.run(lane)
        action()
        with self._told:
            self._told.wait_for(lambda: all(flight.told for flight in flights))

    def not_in_done(self) -> None:
        """What waits for URBs to be told cannot be called by the one who tells them. With the lock held."""
        me = threading.get_ident()
        if any(lane.teller == me for lane in self._lanes.values()):
            raise LocalError(LocalReason.BAD_STATE, "a method that waits for the device was called from done")
