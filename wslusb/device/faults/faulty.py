"""A Device that wraps a Device and makes it misbehave, as a plan says."""

from __future__ import annotations

import functools
import logging
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable

from ...errors import DeviceError, LocalError, LocalReason
from ...usb.endpoints import EndpointMap
from ...usb.ids import TransferType
from ...usb.info import DeviceInfo
from ...usb.setup import Request, Setup
from ...usb.urb import Completion, Done, Status, Urb
from ..api import Device
from .clock import REAL, Clock
from .course import Course, Event, incoming, lane_of
from .lane import Flight, Lane, State
from .plan import Plan
from .record import Journal
from .schedule import Injection, Schedule

__all__ = ["Faulty", "Left"]

_log = logging.getLogger(__name__)
_ENDPOINT_HALT = 0

Left = Callable[[float, str], None]
"""Told that a fault has taken the device off the bus: for how many seconds, and what it is to come back as."""


class Faulty:
    """Injects the faults of ``plan`` into ``device``: a :class:`wslusb.device.api.Device` like the one inside.

    ``seed`` goes before the plan's own (0 if neither is there). ``left`` is called, from the clock, when the device has
    left the bus; without it nothing can come back as another device, and such faults are recorded and not injected.
    A provider gives ``schedule``, which goes on when the device is opened again, and ``info``, as it lists the device.
    """

    def __init__(
        self, device: Device, plan: Plan, *, seed: int | None = None, journal: Journal | None = None,
        clock: Clock = REAL, schedule: Schedule | None = None, info: DeviceInfo | None = None, left: Left | None = None,
        can_become: bool = False,
    ) -> None:  # fmt: skip
        self._device = device
        self._info = info or device.info
        self._seed = next((each for each in (seed, plan.seed) if each is not None), 0)
        self._schedule = Schedule(plan, self._seed, device.info) if schedule is None else schedule
        self._journal = journal or Journal()
        self._clock = clock
        self._left = left
        self._can_become = can_become and left is not None
        self._endpoints = EndpointMap(device.info)
        self._lanes: dict[int, Lane] = {}
        self._flights: dict[Urb, Flight] = {}
        self._lost: Status | None = None
        """What everything ends with, since the device does not answer (any more)."""
        self._recalled: deque[Flight] = deque()
        """With the device, and to be cancelled there by whoever holds no lock next."""
        self._lock = threading.Lock()
        self._told = threading.Condition(self._lock)
        self._schedule.start(clock.now())

    @property
    def info(self) -> DeviceInfo:
        """The wrapped device's, under the generation that it is listed with."""
        return self._info

    # -- URBs

    def submit(self, urb: Urb, done: Done) -> None:
        """See :class:`Device`."""
        now = self._clock.now()
        with self._lock:
            lane = self._lane(lane_of(urb))
            course, injections = self._decide(lane, urb, now)
            flight = Flight(urb, done, lane, course, now)
            flight.record = self._write_down(injections, urb, now)
            self._flights[urb] = flight
            lane.waiting.append(flight)
            claimed = lane.claim(now)
            if claimed is not flight and flight.state is State.WAITING:
                flight.own()
        self._run(lane, claimed)

    def cancel(self, urb: Urb) -> None:
        """See :class:`Device`. What is held back here is given back at once; with the device, the device decides."""
        with self._lock:
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
        self._run(lane, claimed)

    def _lane(self, key: int) -> Lane:
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(key)
        return lane

    def _decide(self, lane: Lane, urb: Urb, now: float) -> tuple[Course, list[Injection]]:
        """The way of the next URB. One that an earlier fault answers for is not counted, and nothing befalls it."""
        if self._lost is not None:
            return Course(self._lost, reaches=False), []
        if lane.halted:
            return Course(Status.STALL, reaches=False), []
        course, injections = self._schedule.decide(urb, now)
        if course is None:
            return Course(), []
        if course.become and not self._can_become:
            self._write_down(injections, urb, now, "not possible: the device's provider cannot exchange it")
            return Course(), []
        lane.halted = course.event is Event.HALT and lane.key != 0
        if course.event is Event.NAK:
            lane.nak_until = now + course.seconds
        return course, list(injections)

    def _write_down(self, injections: Iterable[Injection], urb: Urb, now: float, note: str = "") -> list[int]:
        age = self._schedule.age(now)
        return [self._journal.injected(each, urb, self.info, self._seed, age, note) for each in injections]

    # -- on their way; each lane by one thread at a time

    def _run(self, lane: Lane, flight: Flight | None) -> None:
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
            with self._lock:
                lane.sending = False
                lane.started.remove(flight)
                del self._flights[flight.urb]
            raise
        with self._lock:
            lane.sending = False
            if flight.state is State.SENDING:
                flight.state = State.OUT
            forward = flight.cancelled and flight.state is State.OUT
        if forward:
            # The cancel came while the device did not have it yet.
            self._device.cancel(flight.sent)
        with self._lock:
            return lane.claim(self._clock.now())

    def _returned(self, flight: Flight, answer: Completion) -> None:
        """The device has done its part of a URB."""
        lane, now = flight.lane, self._clock.now()
        with self._lock:
            for number in flight.record:
                self._journal.answered(number, answer, self._schedule.age(now))
            completion = incoming(flight.urb, flight.course, answer)
            flight.completion = completion
            flight.due = self._due(flight, now)
            flight.state = State.KEPT
            if flight.cancelled:
                flight.let_go()
                lane.pull(flight)
            lane.settle(now)
            mine = not lane.teller and bool(lane.outbox) and lane.outbox[0] is flight
            if mine:
                # Within this call the data are where the device has put them.
                self._take(lane)
            else:
                completion.data = bytes(completion.data)
        if mine:
            self._say(lane, flight)
        self._run(lane, None)

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
        lane.teller = threading.get_ident()
        del self._flights[flight.urb]
        course, completion = flight.course, flight.completion
        if course.event in (Event.DEAF, Event.LEAVE) and completion is not None and completion.status == course.status:
            self._lose(course)
        return flight

    def _tell(self, lane: Lane) -> None:
        while True:
            with self._lock:
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
            with self._told:
                lane.teller = 0
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
        if when == float("inf") or now < lane.alarm <= when:
            return
        lane.alarm = when
        self._clock.call_at(when, functools.partial(self._wake, lane))

    def _wake(self, lane: Lane) -> None:
        with self._lock:
            lane.alarm = 0.0
            claimed = lane.claim(self._clock.now())
        self._run(lane, claimed)

    # -- what outlives a URB

    def _lose(self, course: Course) -> None:
        """Nobody answers any more: all that is in flight ends as the URB did in whose middle that was."""
        status = self._lost = course.status or Status.GONE
        for lane in self._lanes.values():
            lane.give_back(status)
            for flight in lane.started:
                if flight.state in (State.SENDING, State.OUT):
                    flight.course = Course(status, limit=0)
                    flight.cancelled = True
                    if flight.state is State.OUT:
                        self._recalled.append(flight)
            self._clock.call_at(self._clock.now(), functools.partial(self._wake, lane))
        left = self._left
        if course.event is Event.LEAVE and left is not None:
            self._clock.call_at(self._clock.now(), lambda: left(course.seconds, course.become))

    # -- state

    def select_configuration(self, value: int) -> None:
        """See :class:`Device`."""
        setup = Setup(0x00, Request.SET_CONFIGURATION, value, 0, 0)
        self._change(setup, lambda: self._device.select_configuration(value), lambda key: key != 0)
        self._endpoints.select_configuration(value)

    def select_interface(self, interface: int, alternate: int) -> None:
        """See :class:`Device`."""
        setup = Setup(0x01, Request.SET_INTERFACE, alternate, interface, 0)
        here = self._endpoints.of_interface(interface)
        self._change(setup, lambda: self._device.select_interface(interface, alternate), here.__contains__)
        self._endpoints.select_interface(interface, alternate)

    def clear_halt(self, endpoint: int) -> None:
        """See :class:`Device`."""
        setup = Setup(0x02, Request.CLEAR_FEATURE, _ENDPOINT_HALT, endpoint, 0)
        self._change(setup, lambda: self._device.clear_halt(endpoint))
        with self._lock:
            self._lane(endpoint).halted = False

    def reset(self) -> None:
        """See :class:`Device`. It brings a device back that has restarted, and an endpoint that says NAK for ever."""
        with self._lock:
            self._not_in_done()
            if self._lost is Status.GONE:
                raise self._error(Status.GONE)
            self._lost = None
            for lane in self._lanes.values():
                lane.nak_until = 0.0
        self._give_back(self._device.reset, lambda _: True)

    def close(self) -> None:
        """See :class:`Device`."""
        with self._lock:
            self._not_in_done()
            self._lost = Status.GONE
        self._give_back(self._device.close, lambda _: True)

    def _change(
        self, setup: Setup, action: Callable[[], None], affected: Callable[[int], bool] | None = None
    ) -> None:  # fmt: skip
        """Make a request that changes the device's state, unless a fault has it fail."""
        urb, now = Urb(0, 0, TransferType.CONTROL, 0, setup=setup), self._clock.now()
        with self._lock:
            self._not_in_done()
            if self._lost is not None:
                raise self._error(self._lost)
            course, injections = self._schedule.decide(urb, now, changing=True)
            possible = course is None or not course.become or self._can_become
            self._write_down(injections, urb, now, "" if possible else "not possible")
            failed = course is not None and possible
        if course is None or not possible or course.reaches:
            self._give_back(action, affected)
        if failed and course is not None and course.status is not None:
            with self._lock:
                if course.event in (Event.DEAF, Event.LEAVE):
                    self._lose(course)
            raise self._error(course.status)

    def _give_back(self, action: Callable[[], None], affected: Callable[[int], bool] | None) -> None:
        """Do what ends the URBs of some endpoints: those that are here, then the device its own; all are told."""
        with self._lock:
            lanes = [lane for lane in self._lanes.values() if affected is not None and affected(lane.key)]
            flights = [flight for lane in lanes for flight in lane.flights()]
            for lane in lanes:
                lane.give_back(Status.CANCELLED)
                lane.halted = False
        for lane in lanes:
            self._run(lane, None)
        action()
        self._await(flights)

    def _not_in_done(self) -> None:
        """What waits for URBs to be told cannot be called by the one who tells them. Called with the lock held."""
        me = threading.get_ident()
        if any(lane.teller == me for lane in self._lanes.values()):
            raise LocalError(LocalReason.BAD_STATE, "a method that waits for the device was called from done")

    def _await(self, flights: Collection[Flight]) -> None:
        with self._told:
            self._told.wait_for(lambda: all(flight.told for flight in flights))

    def _error(self, status: Status) -> DeviceError:
        return DeviceError(status, f"{self.info.description}: {status.name.lower().replace('_', ' ')} (injected)")
