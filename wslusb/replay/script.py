"""What a capture answers to a URB: the seam between a replayed device and its modes."""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ..capture.usbpcap import NOT_TOLD
from ..usb.ids import TransferType
from ..usb.urb import Completion, IsoResult, Status, Urb, UrbFlag, from_errno
from .divergence import Diverged, show_exchange
from .story import ANYTIME, Exchange, lane_of
from .wildcards import Wildcards

__all__ = ["Causes", "Reply", "Script", "mismatch", "reply_of"]

_QUEUED_IN = (TransferType.BULK, TransferType.INTERRUPT)
Hint = int | bytes
"""The queue that a URB was taken back from, or the SETUP packet of a class or vendor request."""


@dataclass(slots=True)
class Reply:
    """How a URB is to end. ``waits``: not at all, until its host takes it back. ``gone``: the device is pulled out.

    ``needs`` says how many URBs of other queues the capture's host had submitted before this one ended, by lane: an
    answer does not come before its question. ``hints`` are other things that it had done and that may have been
    questions, by what they were: they are waited for as long as the device had nothing to say, ``quiet`` seconds.
    """

    status: Status = Status.OK
    data: bytes = b""
    moved: int | None = None
    iso: Sequence[IsoResult] = ()
    seconds: float = 0.0
    packet: int = 0
    waits: bool = False
    gone: bool = False
    needs: Mapping[int, int] = field(default_factory=dict)
    hints: Mapping[Hint, int] = field(default_factory=dict)
    quiet: float = 0.0
    exchange: Exchange | None = None
    """What of a queue this is, where another URB may have it if its own is taken back."""

    def completion(self, urb: Urb, status: Status | None = None) -> Completion:
        """The same for a URB, whose own flags say whether it may be short. ``status`` in place of the reply's."""
        status = self.status if status is None else status
        if urb.is_iso:
            iso = self.iso or [IsoResult(Status.ISO_NOT_ACCESSED, 0)] * len(urb.iso_lengths)
            moved = sum(each.actual_length for each in iso)
            errors = sum(each.status != Status.OK for each in iso)
            return Completion(urb, status, moved, self.data, urb.start_frame, errors, iso)
        if not urb.is_in:
            good = status == Status.OK
            moved = self.moved if self.moved is not None else urb.length if good else 0
            return Completion(urb, status, moved)
        if status in (Status.OK, Status.SHORT):
            short = len(self.data) < urb.length and not urb.flags & UrbFlag.SHORT_OK
            status = Status.SHORT if short else Status.OK
        return Completion(urb, status, len(self.data), self.data)


class Script(Protocol):
    """A mode. All methods are called with the device's lock held."""

    in_turn: bool
    """Whether a queue's next answer is for whichever URB comes to its head, or for each as it is submitted."""
    patient: bool
    """Whether an answer that waits for its question in vain comes in the end; else it is a divergence."""

    def ask(self, urb: Urb) -> Reply:
        """What the capture answers. Diverged if it does not."""

    def met(self, reply: Reply) -> bool:
        """Whether all that an answer needs has happened."""

    def hinted(self, reply: Reply) -> bool:
        """Whether what its hints are of has happened, too."""

    def settled(self, reply: Reply) -> None:
        """A reply is told though not all of that has happened: what follows does not wait for it again."""

    def awaited(self, reply: Reply) -> tuple[str, int]:
        """What the capture's host did and this one did not, on which an answer waits; and its packet."""

    def returned(self, urb: Urb, reply: Reply | None) -> None:
        """A URB was taken back before its answer was told. They come from the youngest to the oldest."""

    def restart(self) -> None:
        """The device was reset or configured anew."""


def mismatch(exchange: Exchange, urb: Urb, wildcards: Wildcards) -> tuple[str, int] | None:
    """In what a URB differs from a captured one, and from which byte of its data; None if it does not."""
    request, setup = exchange.request, urb.setup
    if (request.transfer, exchange.lane) != (urb.transfer, lane_of(urb.endpoint)):
        return "another endpoint", 0
    if (setup.pack() if setup else b"") != request.setup:
        return "another request", 0
    # The buffer of a control transfer may be larger than wLength, which is compared.
    if setup is None and exchange.number != ANYTIME and request.length not in (NOT_TOLD, urb.length):
        return "another length", 0
    if urb.is_iso and request.iso and [each.length for each in request.iso] != list(urb.iso_lengths):
        return "other packets", 0
    if urb.is_in or exchange.taken_out(len(urb.data)):
        return None
    place = wildcards.difference(request.endpoint, request.data, urb.data)
    return None if place is None else (f"other data from byte {place}", place)


def reply_of(exchange: Exchange, urb: Urb) -> Reply:
    """What became of a captured URB. Diverged if the capture has only some of its bytes."""
    answer = exchange.answer
    if exchange.lost:
        return Reply(Status.STALL if urb.setup is not None and urb.is_in else Status.OK)
    if answer is None or exchange.waits:
        data = answer.data[: urb.length] if answer is not None and urb.is_in else b""
        moved = min(answer.length, urb.length) if answer is not None and answer.length != NOT_TOLD else 0
        return Reply(data=data, moved=moved, waits=True)
    if exchange.cut and urb.is_in:
        held = f"{len(answer.data)} of {answer.length} bytes"
        raise Diverged(f"the capture holds {held} of the answer", show_exchange(exchange), exchange.answer_number)
    reply = Reply(
        from_errno(answer.status), answer_data(exchange) if urb.is_in else b"", seconds=exchange.seconds,
        packet=exchange.answer_number,
    )  # fmt: skip
    if urb.is_iso:
        parts = [answer.data[each.offset : each.offset + each.length] for each in answer.iso] if urb.is_in else []
        reply.iso = [IsoResult(from_errno(each.status), each.length) for each in answer.iso]
        reply.data = b"".join(parts)
    elif not urb.is_in and answer.length != NOT_TOLD:
        reply.moved = min(answer.length, urb.length)
    return reply


def answer_data(exchange: Exchange) -> bytes:
    """What a captured URB brought. Controllers of virtual machines bring more than wLength."""
    data = exchange.answer.data if exchange.answer is not None else b""
    return data[: exchange.setup.length] if exchange.setup is not None else data


class Causes:
    """Which submissions an answer comes after. ``lanes``: the OUT queues that count for each IN endpoint."""

    def __init__(self, exchanges: Iterable[Exchange], lanes: Mapping[int, frozenset[int]] | None = None) -> None:
        self._made: dict[int, list[Exchange]] = {}
        self._numbers: dict[int, list[int]] = {}
        self._lanes = lanes
        self._seen: Counter[int] = Counter()
        for exchange in exchanges:
            counts = exchange.request.transfer != TransferType.ISOCHRONOUS and not exchange.refused
            if not exchange.request.is_in and counts:
                self._made.setdefault(exchange.lane, []).append(exchange)
                self._numbers.setdefault(exchange.lane, []).append(exchange.number)

    def needs(self, exchange: Exchange) -> dict[int, int]:
        """How many of each lane were submitted before a captured URB ended."""
        if not exchange.request.is_in or exchange.request.transfer not in _QUEUED_IN:
            return {}
        lanes = self._numbers if self._lanes is None else self._lanes.get(exchange.lane, frozenset())
        end = exchange.answer_number
        return {lane: bisect.bisect_left(self._numbers[lane], end) for lane in lanes if lane in self._numbers}

    def submitted(self, exchange: Exchange) -> None:
        """A captured URB was submitted again."""
        if not exchange.request.is_in:
            self._seen[exchange.lane] += 1

    def met(self, reply: Reply) -> bool:
        """Whether a reply may be told."""
        return all(self._seen[lane] >= count for lane, count in reply.needs.items())

    def settled(self, reply: Reply) -> None:
        """A reply is told all the same."""
        for lane, count in reply.needs.items():
            self._seen[lane] = max(self._seen[lane], count)

    def awaited(self, reply: Reply) -> tuple[str, int]:
        """The first submission that it waits for."""
        missing = [
            self._made[lane][self._seen[lane]] for lane, count in reply.needs.items() if self._seen[lane] < count
        ]
        first = min(missing, key=lambda exchange: exchange.number)
        return show_exchange(first), first.number
