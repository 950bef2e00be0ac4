"""Which URB of a failure to look at first, and why."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from wslusb.usb.ids import TransferType

from .flights import Flight

__all__ = ["suspect"]

_LISTENING = (TransferType.INTERRUPT, TransferType.ISOCHRONOUS)
"""Reads of these wait for something to happen: that one is pending says nothing."""
Found = tuple[Flight, str]


def suspect(flights: Sequence[Flight], faulty: Collection[int], failed: int) -> Found | None:
    """The most telling URB that began before ``failed`` (nanoseconds), and what is wrong with it; None without any.

    In this order: the guest heard another answer than the device gave; a fault was injected; an error; no answer; and
    if nothing is wrong with any, the last that ended.
    """
    before = [flight for flight in flights if flight.first <= failed]
    return (
        next(((flight, flight.differs) for flight in before if flight.differs), None)
        or _injected(before, faulty)
        or _error(before)
        or _silence(before)
        or _last(before)
    )


def _injected(flights: Sequence[Flight], faulty: Collection[int]) -> Found | None:
    hit = [flight for flight in flights if flight.sequence in faulty]
    return (hit[-1], f"a fault was injected into it ({_ending(hit[-1]) or 'no answer'})") if hit else None


def _error(flights: Sequence[Flight]) -> Found | None:
    bad = [flight for flight in flights if flight.failed]
    return (bad[-1], f"it ended with {_ending(bad[-1])}") if bad else None


def _ending(flight: Flight) -> str:
    return flight.ending(flight.host) or flight.ending(flight.guest)


def _silence(flights: Sequence[Flight]) -> Found | None:
    """Reads of a serial port wait, too: they come last."""
    waiting = [flight for flight in flights if flight.pending and flight.half.transfer not in _LISTENING]
    if not waiting:
        return None
    first = min(waiting, key=lambda flight: flight.half.transfer == TransferType.BULK and flight.half.endpoint & 0x80)
    return first, f"it never ended; the last that is known of it: {list(first.times)[-1]}"


def _last(flights: Sequence[Flight]) -> Found | None:
    ended = [flight for flight in flights if not flight.pending]
    return (max(ended, key=lambda flight: flight.last), "it was the last to end; none went wrong") if ended else None
