"""A capture as a device: what its device answered is answered again."""

from __future__ import annotations

import enum
import functools
import threading
from collections.abc import Callable

from ..device.clock import REAL, Clock
from ..device.delivery import Delivery
from ..errors import DeviceError
from ..usb.endpoints import EndpointMap
from ..usb.ids import Speed, TransferType
from ..usb.info import DeviceInfo
from ..usb.setup import Request, Setup
from ..usb.urb import Completion, Done, Status, Urb
from .bulk_only import Missing
from .divergence import Diverged, Divergence, Log, show_urb
from .facts import Facts
from .flights import Flight, Flights
from .keyed import Keyed
from .model import Model
from .pace import ASAP, Pace
from .script import Reply, Script
from .story import Story, lane_of
from .strict import Strict
from .wildcards import Wildcards

__all__ = ["PATIENCE", "Mode", "ReplayDevice"]

PATIENCE = 5.0
"""Seconds that an answer waits for the question that it had in the capture, while the host does nothing."""
_FRAME, _MICROFRAME = 1e-3, 125e-6


class Mode(enum.Enum):
    """How freely a host may differ from the capture's (docs/replay.md)."""

    STRICT = "strict"
    KEYED = "keyed"
    MODEL = "model"


class ReplayDevice:
    """One opening of a story: a :class:`wslusb.device.api.Device`.

    Where the host does what the capture has no answer to, its URB fails (control transfers stall, others are
    ``Status.FAILED``), and ``log`` keeps what was expected and what came. URBs that the capture's host took back wait
    for this one to do the same. Where the captured device was pulled out, all URBs end with ``Status.GONE``, and
    ``unplugged`` is called.
    """

    def __init__(
        self, story: Story, mode: Mode = Mode.MODEL, pace: Pace = ASAP, *, facts: Facts | None = None,
        info: DeviceInfo | None = None, wildcards: Wildcards | None = None, log: Log | None = None,
        clock: Clock = REAL, patience: float = PATIENCE, unplugged: Callable[[], None] | None = None,
    ) -> None:  # fmt: skip
        self.log = log or Log()
        self._facts = facts or Facts.of(story)
        self._info = info or self._facts.info()
        self._script = _script(mode, story, self._facts, wildcards or Wildcards(), self.log)
        self._endpoints = EndpointMap(self._info)
        self._as_captured = mode is Mode.STRICT
        self._captured = {(each.request.endpoint, int(each.request.transfer)) for each in story.exchanges if each.lane}
        self._pace, self._clock, self._patience = pace, clock, patience
        self._lock = threading.Lock()
        self._delivery = Delivery()
        self._flights = Flights(self._delivery.put, self._due, self._ask, self._script.returned)
        self._submissions = 0
        self._bus_time: dict[int, float] = {}
        self._closed = self._pulled = False
        self._unplugged = unplugged

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._closed

    @property
    def script(self) -> Script:
        """The mode at work."""
        return self._script

    @property
    def info(self) -> DeviceInfo:
        """What the capture holds of its identity and descriptors."""
        return self._info

    def submit(self, urb: Urb, done: Done) -> None:
        """See :class:`wslusb.device.api.Device`."""
        with self._lock:
            if self._closed or self._pulled:
                self._delivery.put(done, Completion(urb, Status.GONE))
            elif not self._allowed(urb):
                self._delivery.put(done, Completion(urb, Status.INVALID))
            else:
                self._take(urb, done)
        self._delivery.run()

    def _allowed(self, urb: Urb) -> bool:
        """Whether the present setting has the endpoint, or no setting has it and the capture does.

        What a capture without descriptors has is not known. Descriptors may be those of a device that had the address
        before: USBPcap writes down those that it finds when it starts.
        """
        if urb.setup is not None:
            outgoing = not urb.setup.is_in
            return urb.transfer == TransferType.CONTROL and urb.setup.length == (
                len(urb.data) if outgoing else urb.length
            )
        if self._as_captured or not self._info.configurations:
            return True
        if self._endpoints.allows(urb.endpoint, urb.transfer):
            return self._endpoints.active.get(urb.endpoint) == urb.transfer
        return (urb.endpoint, urb.transfer) in self._captured

    def _take(self, urb: Urb, done: Done) -> None:
        self._submissions += 1
        now = self._clock.now()
        waits_its_turn = self._script.in_turn and urb.endpoint & 0x7F and urb.is_in
        reply = None if waits_its_turn else self._ask(urb)
        if reply is not None and urb.setup is not None and reply.status == Status.OK and not reply.waits:
            self._follow(urb.setup)
        self._flights.add(lane_of(urb.endpoint), Flight(urb, done, reply, now))
        self._settle(now)

    def _ask(self, urb: Urb) -> Reply:
        try:
            return self._script.ask(urb)
        except Diverged as error:
            self._diverge(error.what, error.expected, show_urb(urb), error.packet)
            if isinstance(error, Missing):
                return Reply(moved=urb.length)
            return Reply(Status.STALL if urb.setup is not None else Status.FAILED, moved=0)

    def _diverge(self, what: str, expected: str, got: str, packet: int) -> None:
        pending = tuple(show_urb(flight.urb) for flight in self._flights)
        self.log.add(Divergence(what, expected, got, packet, pending))

    def _settle(self, now: float) -> None:
        was = self._pulled
        self._flights.settle(now)
        if self._pulled and not was:
            self._flights.flush(status=Status.GONE)
            if self._unplugged is not None:
                unplugged = self._unplugged
                self._delivery.put(lambda _: unplugged(), Completion(Urb(0, 0, TransferType.CONTROL, 0)))

    def _due(self, flight: Flight) -> float | None:
        """When the first of a queue may be told, 0 for now; None while its question has not been asked."""
        reply, now = flight.reply, self._clock.now()
        assert reply is not None  # noqa: S101 -- it was asked for
        if not self._script.met(reply):
            self._watch(flight, self._overdue, self._patience)
            return None
        if not self._script.hinted(reply):
            self._watch(flight, self._silent_enough, min(reply.quiet, self._patience))
            return None
        paced = flight.submitted + self._pace.seconds(reply.seconds)
        due = self._bus(flight.urb, now) if flight.urb.is_iso else paced
        if reply.gone and due <= now:
            self._pulled = True
            return None
        if due <= now:
            return 0.0
        self._clock.call_at(due, self._wake)
        return None if reply.gone else due

    def _bus(self, urb: Urb, now: float) -> float:
        """Isochronous packets take their time on the bus, whatever the pace: drivers count on it."""
        unit = _MICROFRAME if self._info.speed >= Speed.HIGH else _FRAME
        length = len(urb.iso_lengths) * max(urb.interval, 1) * unit
        self._bus_time[urb.endpoint] = end = max(self._bus_time.get(urb.endpoint, 0.0), now) + length
        return end

    def _wake(self) -> None:
        with self._lock:
            self._settle(self._clock.now())
        self._delivery.run()

    def _watch(self, flight: Flight, end: Callable[[Flight, int], None], seconds: float) -> None:
        if flight.watched != end:
            flight.watched = end
            self._clock.call_at(self._clock.now() + seconds, functools.partial(end, flight, self._submissions))

    def _overdue(self, flight: Flight, submissions: int) -> None:
        """An answer still waits for its question. While the host goes on with other things, it may yet come."""
        with self._lock:
            if flight in list(self._flights) and flight.due is None:
                if submissions != self._submissions:
                    flight.watched = None
                else:
                    self._give_up(flight)
                self._settle(self._clock.now())
        self._delivery.run()

    def _silent_enough(self, flight: Flight, _submissions: int) -> None:
        """The captured device was silent no longer."""
        with self._lock:
            if flight in list(self._flights) and flight.due is None and flight.reply is not None:
                self._script.settled(flight.reply)
                flight.reply.hints = {}
                self._settle(self._clock.now())
        self._delivery.run()

    def _give_up(self, flight: Flight) -> None:
        reply = flight.reply
        assert reply is not None  # noqa: S101 -- it is at the head of its queue
        if not self._script.patient:
            expected, packet = self._script.awaited(reply)
            self._diverge(f"the host waits for packet {reply.packet}", expected, "nothing", packet)
            flight.reply = Reply(Status.FAILED, moved=0)
        self._script.settled(reply)
        reply.needs = {}

    def cancel(self, urb: Urb) -> None:
        """See :class:`wslusb.device.api.Device`."""
        with self._lock:
            self._flights.take_back(urb)
            self._settle(self._clock.now())
        self._delivery.run()

    def select_configuration(self, value: int) -> None:
        """See :class:`wslusb.device.api.Device`. DeviceError if the capture's device would not."""
        self._change(Setup(0x00, Request.SET_CONFIGURATION, value, 0, 0))

    def select_interface(self, interface: int, alternate: int) -> None:
        """See :class:`wslusb.device.api.Device`. DeviceError if the capture's device would not."""
        self._change(Setup(0x01, Request.SET_INTERFACE, alternate, interface, 0))

    def clear_halt(self, endpoint: int) -> None:
        """See :class:`wslusb.device.api.Device`. DeviceError if the capture's device would not."""
        self._change(Setup(0x02, Request.CLEAR_FEATURE, 0, endpoint, 0))

    def _change(self, setup: Setup) -> None:
        with self._lock:
            self._check_open()
            self._give_back_for(setup)
            self._submissions += 1
            reply = self._ask(Urb(0, 0, TransferType.CONTROL, 0, 0, b"", setup))
            if reply.status == Status.OK:
                self._follow(setup)
            self._settle(self._clock.now())
        self._delivery.flush()
        if reply.status != Status.OK:
            raise DeviceError(reply.status, f"{self._info.description} of the capture refused {setup}")

    def _give_back_for(self, setup: Setup) -> None:
        if setup.request == Request.SET_CONFIGURATION:
            self._flights.flush()
        elif setup.request == Request.SET_INTERFACE:
            self._flights.flush(set(self._endpoints.of_interface(setup.index)))

    def _follow(self, setup: Setup) -> None:
        self._endpoints.follow(setup)
        if (setup.request_type, setup.request) == (0x00, Request.SET_CONFIGURATION):
            self._script.restart()

    def reset(self) -> None:
        """See :class:`wslusb.device.api.Device`. The capture goes on where it was."""
        with self._lock:
            self._check_open()
            self._flights.flush()
            self._script.restart()
        self._delivery.flush()

    def _check_open(self) -> None:
        if self._closed or self._pulled:
            raise DeviceError(Status.GONE, f"{self._info.description} is gone")

    def close(self) -> None:
        """See :class:`wslusb.device.api.Device`."""
        with self._lock:
            self._closed = True
            self._flights.flush()
        self._delivery.flush()


def _script(mode: Mode, story: Story, facts: Facts, wildcards: Wildcards, log: Log) -> Script:
    makers: dict[Mode, Callable[[], Script]] = {
        Mode.STRICT: lambda: Strict(story, wildcards),
        Mode.KEYED: lambda: Keyed(story, facts, wildcards),
        Mode.MODEL: lambda: Model(story, facts, wildcards, log.miss),
    }
    return makers[mode]()
