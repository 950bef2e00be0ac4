"""Which URB of a failure to look at first, and why."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from wslusb.usb.ids import DIR_IN, TransferType

from .flights import Flight

__all__ = ["suspect"]

_LISTENING = (TransferType.INTERRUPT, TransferType.ISOCHRONOUS)
"""Reads of these wait for something to happen: that one is pending says nothing."""
_STALL = "STALL"
Found = tuple[Flight, str]


def suspect(flights: Sequence[Flight], faulty: Collection[int], failed: int) -> Found | None:
    """The most telling URB that began before ``failed`` (nanoseconds), and what is wrong with it; None without any.

    In this order: the guest heard another answer than the device gave; a fault was injected; an error of the bus or of
    the system; a request or a write without an answer; a STALL, by which devices also say that they do not know a
    command; a read without an answer; and if nothing is wrong with any, the last that ended.
    """
    before = [flight for flight in flights if flight.first <= failed]
    silent = [flight for flight in before if flight.pending and flight.half.transfer not in _LISTENING]
    wrong = [flight for flight in before if flight.failed]
    return (
        next(((flight, flight.differs) for flight in before if flight.differs), None)
        or _injected(before, faulty)
        or _error([flight for flight in wrong if not _ending(flight).startswith(_STALL)])
        or _silence([flight for flight in silent if not _reads(flight)])
        or _error(wrong)
        or _silence(silent)
        or _last(before)
    )


def _reads(flight: Flight) -> bool:
    return flight.half.transfer == TransferType.BULK and bool(flight.half.endpoint & DIR_IN)


def _injected(flights: Sequence[Flight], faulty: Collection[int]) -> Found | None:
    hit = [flight for flight in flights if flight.sequence in faulty]
    return (hit[-1], f"a fault was injected into it ({_ending(hit[-1]) or 'no answer'})") if hit else None


def _error(wrong: Sequence[Flight]) -> Found | None:
    return (wrong[-1], f"it ended with {_ending(wrong[-1])}") if wrong else None


def _ending(flight: Flight) -> str:
    return flight.ending(flight.host) or flight.ending(flight.guest)


def _silence(silent: Sequence[Flight]) -> Found | None:
    if not silent:
        return None
    return silent[0], f"it never ended; the last that is known of it: {list(silent[0].times)[-1]}"


def _last(flights: Sequence[Flight]) -> Found | None:
    ended = [flight for flight in flights if not flight.pending]
    return (max(ended, key=lambda flight: flight.last), "it was the last to end; none went wrong") if ended else None
