"""A Device that wraps a Device and makes it misbehave, as a plan says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from ...errors import DeviceError
from ...usb.endpoints import EndpointMap
from ...usb.ids import TransferType
from ...usb.info import DeviceInfo
from ...usb.setup import Barrier, Request, Setup
from ...usb.urb import Completion, Done, Status, Urb
from ..api import Device
from ..clock import REAL, Clock
from .course import Course, Event, lane_of
from .lane import Flight, Lane
from .plan import Plan
from .record import Journal
from .schedule import Injection, Schedule
from .traffic import Traffic

__all__ = ["Faulty", "Left"]

_ENDPOINT_HALT = 0
_FROM_ENDPOINT = 0x82
_HALTED = 0x01
"""Bit of the answer to GET_STATUS (USB 2.0, figure 9-6)."""
_WHOLE_DEVICE = (Event.DEAF, Event.LEAVE)
_NOT_POSSIBLE = "not possible: the device's provider cannot exchange it"

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
        self._traffic = Traffic(device, clock, self._answered, self._ended)
        self._lock = self._traffic.lock
        self.cancel = self._traffic.cancel
        self._lost: Status | None = None
        """What everything ends with, since the device does not answer (any more)."""
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
            lane = self._traffic.lane(lane_of(urb))
            course, injections = self._decide(lane, urb, now)
            flight = Flight(urb, done, lane, course, now)
            flight.record = self._write_down(injections, urb, now)
            claimed = self._traffic.begin(flight)
        self._traffic.run(lane, claimed)

    def _decide(self, lane: Lane, urb: Urb, now: float) -> tuple[Course, Sequence[Injection]]:
        """The way of the next URB. One that an earlier fault answers for is not counted, and nothing befalls it."""
        if self._lost is not None:
            return Course(self._lost, reaches=False), ()
        if lane.halted:
            return Course(Status.STALL, reaches=False), ()
        course, injections = self._schedule.decide(urb, now)
        if course is None:
            return Course(), ()
        if course.become and not self._can_become:
            self._write_down(injections, urb, now, _NOT_POSSIBLE)
            return Course(), ()
        lane.halted = course.event is Event.HALT and lane.key != 0
        if course.event is Event.NAK:
            lane.nak_until = now + course.seconds
        return course, injections

    def _write_down(self, injections: Iterable[Injection], urb: Urb, now: float, note: str = "") -> list[int]:
        age = self._schedule.age(now)
        return [self._journal.injected(each, urb, self.info, self._seed, age, note) for each in injections]

    def _answered(self, flight: Flight, answer: Completion) -> None:
        setup = flight.urb.setup
        if setup is not None and answer.status == Status.OK:
            self._follow_halts(setup, answer)
        for number in flight.record:
            self._journal.answered(number, answer, self._schedule.age(self._clock.now()))

    def _follow_halts(self, setup: Setup, answer: Completion) -> None:
        """A request that came as a URB has cleared halts, or asks for one: the device does not know those of faults."""
        barrier = setup.barrier()
        if barrier is not None:
            cleared = self._affected(barrier, setup)
            for lane in self._traffic.lanes():
                lane.halted = lane.halted and not cleared(lane.key)
            self._endpoints.follow(setup)
            return
        asked = setup.request_type == _FROM_ENDPOINT and setup.request == Request.GET_STATUS
        if asked and answer.data and self._traffic.lane(setup.index & 0xFF).halted:
            first, *rest = answer.data
            answer.data = bytes((first | _HALTED, *rest))

    def _affected(self, barrier: Barrier, setup: Setup) -> Callable[[int], bool]:
        """The endpoints that are as new after a request (USB 2.0, 9.4.5)."""
        if barrier is Barrier.SELECT_CONFIGURATION:
            return bool  # every endpoint but 0
        if barrier is Barrier.SELECT_INTERFACE:
            return self._endpoints.of_interface(setup.index).__contains__
        return (setup.index & 0xFF).__eq__

    def _ended(self, flight: Flight, completion: Completion) -> None:
        course = flight.course
        # Unless it was cancelled before that could happen. Only now that its owner has been told: what follows may end
        # the link that its data go over.
        if course.event in _WHOLE_DEVICE and completion.status == course.status:
            with self._lock:
                self._bring_about(course)

    def _bring_about(self, course: Course) -> None:
        """What a fault does to the whole device, after the URB in whose middle it came."""
        self._lost = course.status or Status.GONE
        self._traffic.fail(self._lost)
        left = self._left
        if course.event is Event.LEAVE and left is not None:
            self._clock.call_at(self._clock.now(), lambda: left(course.seconds, course.become))

    # -- state

    def select_configuration(self, value: int) -> None:
        """See :class:`Device`."""
        setup = Setup(0x00, Request.SET_CONFIGURATION, value, 0, 0)
        self._change(setup, lambda: self._device.select_configuration(value), bool)  # every endpoint but 0
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
        self._change(setup, lambda: self._device.clear_halt(endpoint), _none)
        with self._lock:
            self._traffic.lane(endpoint).halted = False

    def reset(self) -> None:
        """See :class:`Device`. It brings a device back that has restarted, and an endpoint that says NAK for ever."""
        with self._lock:
            self._traffic.not_in_done()
            if self._lost is Status.GONE:
                raise self._error(Status.GONE)
            self._lost = None
            for lane in self._traffic.lanes():
                lane.nak_until = 0.0
        self._traffic.give_back(self._device.reset, _all)

    def close(self) -> None:
        """See :class:`Device`."""
        with self._lock:
            self._traffic.not_in_done()
            self._lost = Status.GONE
        self._traffic.give_back(self._device.close, _all)

    def _change(self, setup: Setup, action: Callable[[], None], affected: Callable[[int], bool]) -> None:
        """Make a request that changes the device's state, unless a fault has it fail."""
        urb, now = Urb(0, 0, TransferType.CONTROL, 0, setup=setup), self._clock.now()
        with self._lock:
            self._traffic.not_in_done()
            if self._lost is not None:
                raise self._error(self._lost)
            course, injections = self._schedule.decide(urb, now, changing=True)
            possible = course is None or not course.become or self._can_become
            self._write_down(injections, urb, now, "" if possible else _NOT_POSSIBLE)
        if course is None or not possible or course.reaches:
            self._traffic.give_back(action, affected)
        if course is not None and possible and course.status is not None:
            if course.event in _WHOLE_DEVICE:
                with self._lock:
                    self._bring_about(course)
            raise self._error(course.status)

    def _error(self, status: Status) -> DeviceError:
        return DeviceError(status, f"{self.info.description}: {status.name.lower().replace('_', ' ')} (injected)")


def _all(_endpoint: int) -> bool:
    return True


def _none(_endpoint: int) -> bool:
    return False
