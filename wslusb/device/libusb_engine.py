"""The data path of an open device: URBs in, completions out, many at a time.

One thread handles libusb's events, and it alone calls ``done``; so completions cannot overtake one another, and no
lock is held while they are told. Submitting and cancelling happen in the caller's thread, under the engine's lock,
which keeps an endpoint's order, and keeps a cancel from hitting a transfer that has been given to another URB.

Locks, outermost first: the engine's, the budget's. No thread holds the locks of two engines. libusb never calls back
with a lock held that submitting, cancelling or interrupting need (io.c, usbi_handle_transfer_completion).
"""

from __future__ import annotations

import ctypes
import logging
import threading
from collections.abc import Callable, Iterable

from ..errors import DeviceError, LocalError, LocalReason
from ..turnstile import Turnstile
from ..usb.setup import SETUP_SIZE
from ..usb.urb import Done, Status, Urb
from .libusb_budget import Budget, cost_of
from .libusb_events import EventThread
from .libusb_fill import completion, fill, refusal
from .libusb_lane import Flight, Lane, State
from .libusb_native import Native, error_status
from .libusb_transfer import Pool

__all__ = ["Engine"]

_log = logging.getLogger(__name__)

_FLUSH_TIMEOUT = 10.0  # seconds


def _lane_key(urb: Urb) -> int:
    """Both directions of a control endpoint are one pipe."""
    return urb.endpoint if urb.transfer else urb.endpoint & 0x0F  # TransferType.CONTROL is 0


class Engine:
    """Submits, completes and cancels the URBs of ``native``'s device. Starts a thread, which :meth:`close` ends."""

    def __init__(self, native: Native, budget: Budget[Lane]) -> None:
        lib = native.lib
        self._native, self._budget = native, budget
        self._submit, self._cancel = lib.libusb_submit_transfer, lib.libusb_cancel_transfer
        self._callback = lib.LIBUSB_CALL_FUNCTYPE(None, ctypes.c_void_p)(self._on_transfer)
        self._pool = Pool(lib, native.handle, ctypes.cast(self._callback, lib.libusb_transfer_cb_fn_p))
        self._lock = Turnstile()
        self._flushed = threading.Condition()
        self._flushers = 0
        self._lanes: dict[int, Lane] = {}
        self._telling: Lane | None = None
        self._closing = self._ended = False
        self.used = False
        self._events = EventThread(native, self._finished, self._told)

    def in_done(self) -> bool:
        """Whether the caller runs inside ``done``, where nothing may wait for a completion."""
        return self._events.is_current()

    def submit(self, urb: Urb, done: Done) -> None:
        """See :meth:`wslusb.device.api.Device.submit`. LocalError only for a URB that is in flight already."""
        slot = fill(urb, self._pool)
        with self._lock:
            lane = self._lane(_lane_key(urb))
            if urb in lane.flights:
                if not isinstance(slot, Status):
                    self._pool.give(slot)
                raise LocalError(LocalReason.BAD_STATE, f"URB {urb.sequence} is in flight already")
            self.used = True
            if isinstance(slot, Status):
                flight, refused = Flight(urb, done, lane, None, 0), slot
            else:
                flight = Flight(urb, done, lane, slot, cost_of(urb.length + SETUP_SIZE, len(urb.iso_lengths)))
                slot.owner, refused = flight, Status.OK
            if not self._ended:
                lane.flights[urb] = flight
                self._admit(flight, Status.GONE if self._closing else refused)
                return
        flight.status = Status.GONE  # nobody else is left to say so
        self._tell(flight)

    def _lane(self, key: int) -> Lane:
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(self)
        return lane

    def _admit(self, flight: Flight, refused: Status) -> None:
        lane = flight.lane
        if refused is not Status.OK:
            self._fail(flight, refused)
        elif not self._budget.possible(flight.cost):
            self._fail(flight, Status.NO_MEMORY)
        elif lane.waiting or not self._budget.take(lane, flight.cost):
            lane.waiting.append(flight)
            lane.queued = True
        else:
            self._launch(flight)

    def _launch(self, flight: Flight) -> None:
        """Hand a URB to libusb; its share of the budget is reserved."""
        parts = flight.slot.parts if flight.slot else ()
        flight.state, flight.parts = State.FLYING, len(parts)
        for index, part in enumerate(parts):
            code = self._submit(part.pointer)
            if code < 0:
                self._launch_failed(flight, index, error_status(code, ctypes.get_errno()))
                return

    def _launch_failed(self, flight: Flight, sent: int, status: Status) -> None:
        lane = flight.lane
        if sent:  # isochronous: the parts that are out come back, and then the failure is told
            flight.status, flight.parts = status, sent
            self._cancel_parts(flight)
        elif status is Status.NO_MEMORY and self._budget.refuse(lane, flight.cost):
            flight.state, lane.queued = State.WAITING, True
            lane.waiting.appendleft(flight)
        else:
            granted = self._budget.give(flight.cost)
            self._fail(flight, status)
            if granted:
                self._events.later(lambda: _pass_on(granted))

    def _fail(self, flight: Flight, status: Status) -> None:
        lane = flight.lane
        lane.hold(flight, status)
        self._events.later(lambda: self._tell_held(lane))

    def resume(self, lane: Lane, cost: int) -> list[tuple[Lane, int]]:
        """The budget has granted ``cost`` to a lane of this engine. Who is next if that is not needed (any more)."""
        with self._lock:
            lane.queued = False
            used = bool(lane.waiting) and lane.waiting[0].cost == cost
            if used:
                self._launch(lane.waiting.popleft())
            self._advance(lane)
        return [] if used else self._budget.give(cost)

    def _advance(self, lane: Lane) -> None:
        while lane.waiting and not lane.queued:
            if self._budget.take(lane, lane.waiting[0].cost):
                self._launch(lane.waiting.popleft())
            else:
                lane.queued = True

    def _on_transfer(self, address: int) -> None:
        """Libusb's callback, in the event thread."""
        flight: Flight = self._pool.by_address[address].owner
        with self._lock:
            flight.parts -= 1
            if flight.parts:
                return
            lane = self._telling = flight.lane
            if not lane.held:
                lane.remove(flight)
        granted = self._budget.give(flight.cost)
        if granted:
            _pass_on(granted)
        if flight.state is State.FINISHED:
            self._tell(flight)
        else:
            self._tell_among_held(flight)
        self._told()

    def _tell_among_held(self, flight: Flight) -> None:
        cancelled = flight.slot is not None and completion(flight.urb, flight.slot).status is Status.CANCELLED
        with self._lock:
            ready = flight.lane.take_ready(flight, in_turn=not cancelled)
        for each in ready:
            self._tell(each)

    def _tell_held(self, lane: Lane) -> None:
        with self._lock:
            ready, self._telling = lane.take_ready(), lane
        for each in ready:
            self._tell(each)

    def _tell(self, flight: Flight) -> None:
        urb, slot = flight.urb, flight.slot
        if flight.status is not None or slot is None:
            answer = refusal(urb, flight.status or Status.FAILED)
        else:
            answer = completion(urb, slot)
        try:
            flight.done(answer)
        except Exception:  # noqa: BLE001 - whatever it was, the other URBs go on
            _log.exception("an exception in the completion of URB %d", urb.sequence)
        if slot is not None:
            self._pool.give(slot)

    def _told(self) -> None:
        self._telling = None
        if self._flushers:
            with self._flushed:
                self._flushed.notify_all()

    def cancel(self, urb: Urb) -> None:
        """See :meth:`wslusb.device.api.Device.cancel`."""
        with self._lock:
            lane = self._lanes.get(_lane_key(urb))
            flight = lane.flights.get(urb) if lane else None
            if flight:
                self._cancel_flight(flight)

    def _cancel_flight(self, flight: Flight) -> None:
        if flight.state is State.FLYING:
            self._cancel_parts(flight)
            return
        lane = flight.lane
        if flight.state is State.WAITING:
            flight.status = Status.CANCELLED
            self._leave_queue(flight)
        lane.remove(flight)
        self._events.later(lambda: self._tell(flight))

    def _cancel_parts(self, flight: Flight) -> None:
        for part in flight.slot.parts if flight.slot else ():
            self._cancel(part.pointer)  # NOT_FOUND: it has finished, and its callback is on the way

    def _leave_queue(self, flight: Flight) -> None:
        lane = flight.lane
        first = lane.waiting[0] is flight
        lane.waiting.remove(flight)
        if first:
            self._budget.withdraw(lane)
            lane.queued = False
            self._advance(lane)

    def flush(self, chosen: Callable[[int], bool] = lambda _: True) -> None:
        """Cancel the URBs of the endpoints that ``chosen`` likes, and return when they are done.

        DeviceError(TIMEOUT) if the system does not give them back in ten seconds.
        """
        with self._flushed:
            # Counted before anything is cancelled, so that whoever tells the last completion knows that we wait.
            self._flushers += 1
            try:
                with self._lock:
                    lanes = [lane for key, lane in self._lanes.items() if chosen(key)]
                    self._cancel_all(lanes)
                flushed = self._flushed.wait_for(lambda: self._quiet(lanes), _FLUSH_TIMEOUT)
            finally:
                self._flushers -= 1
        if not flushed:
            raise DeviceError(Status.TIMEOUT, f"{self._native.name}: URBs were cancelled and did not come back")

    def _cancel_all(self, lanes: Iterable[Lane]) -> None:
        for lane in lanes:
            # Youngest first: to cancel the oldest would put the next one on the bus.
            for flight in reversed(list(lane.flights.values())):
                self._cancel_flight(flight)

    def _quiet(self, lanes: Iterable[Lane]) -> bool:
        return not self._events.busy and all(not lane.flights and lane is not self._telling for lane in lanes)

    def _finished(self) -> bool:
        with self._lock:
            self._ended = self._closing and self._quiet(self._lanes.values())
            return self._ended

    def close(self) -> None:
        """Cancel and complete everything, end the thread, free the transfers. Later URBs are GONE at once."""
        with self._lock:
            self._closing = True
            self._cancel_all(self._lanes.values())
        self._events.join()
        self._pool.close()


def _pass_on(granted: list[tuple[Lane, int]]) -> None:
    """Let those submit who were granted room; their engines may be others, so no lock may be held here."""
    while granted:
        lane, cost = granted.pop(0)
        granted += lane.engine.resume(lane, cost)
