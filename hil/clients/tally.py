"""URBs under way, and how often each of them was answered: once is right, and nothing else."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass

from wslusb.device.api import Device
from wslusb.usb.urb import Completion, Status, Urb

__all__ = ["Flight", "Tally"]


@dataclass(slots=True, eq=False)
class Flight:
    """One URB. ``status`` is None until it is answered; ``data`` is what it brought, in or out ``length`` bytes."""

    urb: Urb
    number: int
    status: int | None = None
    answers: int = 0
    data: bytes = b""
    length: int = 0

    @property
    def outcome(self) -> str:
        """The status by name; empty while there is none."""
        return "" if self.status is None else Status(self.status).name


class Tally:
    """Submits URBs to a device and keeps account. ``completed`` has them in the order of their first answers."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._changed = threading.Condition()
        self.flights: list[Flight] = []
        self.completed: list[Flight] = []

    def submit(self, urb: Urb) -> Flight:
        """Queue a URB."""
        flight = Flight(urb, len(self.flights))
        self.flights.append(flight)
        self._device.submit(urb, lambda completion: self._done(flight, completion))
        return flight

    def _done(self, flight: Flight, completion: Completion) -> None:
        with self._changed:
            flight.answers += 1
            if flight.answers == 1:
                flight.status, flight.length = completion.status, completion.actual_length
                flight.data = bytes(completion.data)
                self.completed.append(flight)
            self._changed.notify_all()

    def cancel(self, flights: Iterable[Flight]) -> None:
        """Ask for these URBs back, in this order."""
        for flight in flights:
            self._device.cancel(flight.urb)

    def wait(self, seconds: float) -> bool:
        """Wait until every URB has been answered; False if some are not within ``seconds``."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self.completed) == len(self.flights), seconds)

    def wait_for(self, flight: Flight, seconds: float) -> bool:
        """Wait until one URB has been answered."""
        with self._changed:
            return self._changed.wait_for(lambda: flight.answers > 0, seconds)

    def settle(self, seconds: float) -> None:
        """Whoever is answered twice is so within this time."""
        time.sleep(seconds)

    @property
    def unanswered(self) -> list[Flight]:
        """Those under way."""
        return [flight for flight in self.flights if not flight.answers]

    @property
    def wrong(self) -> list[str]:
        """What is wrong with the count of answers, a line each."""
        return [
            f"URB {each.number} of endpoint {each.urb.endpoint:#04x} was answered {each.answers} times"
            for each in self.flights
            if each.answers != 1
        ]

    @property
    def disorder(self) -> list[str]:
        """Which URBs were answered before one of the same endpoint that was submitted earlier, a line each."""
        last: dict[int, int] = {}
        found = []
        for flight in self.completed:
            endpoint = flight.urb.endpoint
            if flight.number < last.get(endpoint, -1):
                found.append(f"URB {last[endpoint]} of endpoint {endpoint:#04x} overtook URB {flight.number}")
            last[endpoint] = max(flight.number, last.get(endpoint, -1))
        return found
