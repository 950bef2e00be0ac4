"""Which URB of a failure to look at first, what is wrong with it, and in which part of its way."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from wslusb.usb.ids import DIR_IN, TransferType

from .flights import Change, Flight, Part, Stage
from .order import overtaken

__all__ = ["NONE_WRONG", "PARTS", "Suspect", "suspect"]

_LISTENING = (TransferType.INTERRUPT, TransferType.ISOCHRONOUS)
"""Reads of these wait for something to happen: that one is pending says nothing."""
_STALL, _GONE = "STALL", "GONE"
_HOST = "the host part of wslusb (wslusb/host, wslusb/wire)"
_BETWEEN = "the way between service and agent (wslusb/session, wslusb/transport)"
_GUEST = "the guest part of wslusb (wslusb/guest)"
_DEVICE = "the device, or the host's kernel below it"
PARTS: Mapping[Stage, str] = {
    Stage.SUBMITTED: _GUEST, Stage.SENT: _BETWEEN, Stage.RECEIVED: _HOST, Stage.ASKED: _DEVICE, Stage.ANSWERED: _HOST,
    Stage.RESPONDED: _BETWEEN, Stage.HEARD: _GUEST,
}  # fmt: skip
"""Who has a URB after a stage."""
_LEFT: Mapping[tuple[Part, Part], tuple[Stage, Stage]] = {
    (Part.DEVICE, Part.SERVICE): (Stage.RECEIVED, Stage.ANSWERED),
    (Part.SERVICE, Part.AGENT): (Stage.SENT, Stage.RESPONDED),
    (Part.AGENT, Part.KERNEL): (Stage.SUBMITTED, Stage.HEARD),
}
"""The last stage before the way between two: on the way to the device, and on the way back."""
_STUCK: Mapping[Stage, str] = {
    Stage.SUBMITTED: "the agent has it, and did not send it",
    Stage.SENT: "the agent has sent it, and the service did not receive it",
    Stage.RECEIVED: "the service has it, and did not give it to the device",
    Stage.ASKED: "it has not answered",
    Stage.ANSWERED: "the device has answered, and the service did not say so",
    Stage.RESPONDED: "the service has answered, and the agent did not hear it",
    Stage.HEARD: "the agent has the answer, and did not tell the kernel",
}
"""Of a URB that was heard of no more after a stage."""
NONE_WRONG = "it was the last to end; none went wrong"


@dataclass(slots=True, frozen=True)
class Suspect:
    """``why``: what is wrong with the URB. ``where``: the part to look in; empty if nothing points to one.

    ``after``: the last stage at which it was as it should be.
    """

    flight: Flight
    why: str
    where: str = ""
    after: Stage | None = None


def suspect(
    flights: Sequence[Flight], faulty: Collection[int], failed: int, started: int | None = None
) -> Suspect | None:
    """The most telling URB between ``started`` and ``failed`` (nanoseconds); None without any.

    In this order: the guest heard another answer than the device gave; a fault was injected; others of its endpoint
    overtook it; an error of the bus or of the system; a request or a write without an answer; a STALL, by which devices
    also say that they do not know a command; a read without an answer; and if nothing is wrong with any, the last that
    ended.

    What had not moved any more when the test began is not its own: a device whose name was changed when it was
    attached, and which has been attached ever since, is the only such URB that may be.
    """
    before = [flight for flight in flights if flight.first <= failed]
    own = [flight for flight in before if started is None or flight.last >= started]
    silent = [flight for flight in own if flight.pending and flight.half.transfer not in _LISTENING]
    wrong = [flight for flight in own if flight.failed]
    return (
        _changed(own)
        or _injected(own, faulty)
        or _overtaken(own)
        or _error([flight for flight in wrong if not _ending(flight).startswith(_STALL)])
        or _silence([flight for flight in silent if not _reads(flight)])
        or _error(wrong)
        or _silence(silent)
        or _changed(before)
        or _last(own)
    )


def _reads(flight: Flight) -> bool:
    return flight.half.transfer == TransferType.BULK and bool(flight.half.endpoint & DIR_IN)


def _changed(flights: Sequence[Flight]) -> Suspect | None:
    for flight in flights:
        if (change := flight.change) is not None:
            return _between(flight, change)
        if flight.unheard:
            return Suspect(flight, flight.unheard, _stuck(Stage.ANSWERED), Stage.ANSWERED)
        if flight.kept:
            return Suspect(flight, flight.kept, f"{_HOST}, or the device: it was not taken back", Stage.ASKED)
    return None


def _between(flight: Flight, change: Change) -> Suspect:
    """Where a change was made; parts that are no neighbours do not say in which of those between them."""
    where = f"between {change.between[0]} and {change.between[1]}"
    stages = _LEFT.get(change.between)
    if stages is None:
        return Suspect(flight, change.what, where)
    there, back = stages
    after = there if not flight.half.endpoint & DIR_IN and change.carried else back
    return Suspect(flight, change.what, f"{PARTS[back]}: it was changed {where}", after)


def _stuck(stage: Stage) -> str:
    return f"{PARTS[stage]}: {_STUCK[stage]}" if stage in PARTS else ""


def _injected(flights: Sequence[Flight], faulty: Collection[int]) -> Suspect | None:
    hit = [flight for flight in flights if flight.sequence in faulty]
    if not hit:
        return None
    return Suspect(hit[-1], f"a fault was injected into it ({_ending(hit[-1]) or 'no answer'})", "the fault's plan")


def _overtaken(flights: Sequence[Flight]) -> Suspect | None:
    found = overtaken(flights)
    if found is None:
        return None
    others = "the next one" if found.by == 1 else f"the next {found.by}"
    part = PARTS[found.between[0]]
    where = f"{part}: between {' and '.join(found.between)}"
    return Suspect(found.flight, f"{others} of its endpoint overtook it", where, found.between[0])


def _error(wrong: Sequence[Flight]) -> Suspect | None:
    if not wrong:
        return None
    where = f"{_DEVICE}: the guest was told what the device had said" if wrong[-1].guest and wrong[-1].host else ""
    return Suspect(wrong[-1], f"it ended with {_ending(wrong[-1])}", where)


def _ending(flight: Flight) -> str:
    return flight.ending(flight.host) or flight.ending(flight.guest)


def _silence(silent: Sequence[Flight]) -> Suspect | None:
    if not silent:
        return None
    last = list(silent[0].times)[-1]
    taken_back = "it was cancelled, and never ended" if silent[0].cancelled is not None else "it never ended"
    return Suspect(silent[0], f"{taken_back}; the last that is known of it: {last}", _stuck(last))


def _last(flights: Sequence[Flight]) -> Suspect | None:
    ended = [flight for flight in flights if not flight.pending]
    if not ended:
        return None
    gone = [flight for flight in ended if _ending(flight).startswith(_GONE)]
    if gone:
        return Suspect(gone[-1], "it was the last on its way when the device went away")
    return Suspect(max(ended, key=lambda flight: flight.last), NONE_WRONG)
