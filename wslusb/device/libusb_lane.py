"""The URBs of one endpoint, in order of submission, and the rules of that order.

A completion is told in the order of submission, because that is what Linux drivers count on (usbtest case 10). libusb
and usbfs keep that order for what they have taken. What they refuse while earlier URBs are under way is *held* until
those are done. A cancelled URB is not held by anything: it comes back at once, as it does from the kernel's own host
controllers, or else a driver that unlinks the second of two reads would wait for ever.
"""

from __future__ import annotations

import enum
from collections import deque
from typing import TYPE_CHECKING

from ..usb.urb import Done, Status, Urb
from .libusb_transfer import Slot

if TYPE_CHECKING:
    from .libusb_engine import Engine

__all__ = ["Flight", "Lane", "State"]


class State(enum.Enum):
    """Where a URB is."""

    WAITING = enum.auto()
    """For its share of usbfs's memory."""
    FLYING = enum.auto()
    """libusb has it, and will call back."""
    HELD = enum.auto()
    """It has failed, and its turn to say so has not come."""
    FINISHED = enum.auto()
    """It has left its lane; ``done`` is being called, or has been."""


class Flight:
    """A URB on its way. ``parts`` are the transfers that are still out; ``status`` is set where it failed early."""

    __slots__ = ("cost", "done", "lane", "parts", "slot", "state", "status", "urb")

    def __init__(self, urb: Urb, done: Done, lane: Lane, slot: Slot | None, cost: int) -> None:
        self.urb, self.done, self.lane, self.slot, self.cost = urb, done, lane, slot, cost
        self.state = State.WAITING
        self.status: Status | None = None
        self.parts = 0


class Lane:
    """One endpoint's URBs, oldest first. Everything here is under its engine's lock."""

    __slots__ = ("engine", "flights", "held", "queued", "waiting")

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.flights: dict[Urb, Flight] = {}
        self.waiting: deque[Flight] = deque()
        self.queued = False
        """Whether the lane is in the budget's queue, for the first of ``waiting``."""
        self.held = 0

    def hold(self, flight: Flight, status: Status) -> None:
        """Note a failure that is to be told in its turn."""
        flight.state, flight.status = State.HELD, status
        self.held += 1

    def remove(self, flight: Flight) -> None:
        """Take a flight out, out of turn or in it."""
        self.held -= flight.state is State.HELD
        flight.state = State.FINISHED
        del self.flights[flight.urb]

    def take_ready(self, flight: Flight | None = None, *, in_turn: bool = True) -> list[Flight]:
        """Remove what can be told now, in order: ``flight``, which is back, and the held ones before and after it."""
        ready = self._take_held() if in_turn else []
        if flight is not None:
            self.remove(flight)
            ready.append(flight)
            ready += self._take_held()
        return ready

    def _take_held(self) -> list[Flight]:
        if not self.held:
            return []
        taken = []
        for flight in self.flights.values():
            if flight.state is not State.HELD:
                break
            taken.append(flight)
        for flight in taken:
            self.remove(flight)
        return taken
