"""The URBs that are under way, on either side, and the unlink rule.

Every URB request gets exactly one response. A cancel gets an answer of its own after that response: *won* (the response
said cancelled) or *lost* (it had completed). ABORT_PIPE is answered when all URBs of its endpoint have been.

Neither table is locked. The host holds one lock around a call and the send that follows from it, so that answers
leave in this order; the guest holds one around ``end``, ``cancellable`` and ``cancelling``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import PeerError, PeerReason
from ..usb.urb import Status, Urb
from ..wire import limits
from .credits import Credits

__all__ = ["Answered", "GuestTable", "HostTable"]


@dataclass(slots=True)
class Answered:
    """What must follow a URB's response: cancels (sequence, won) and aborts (sequence), in this order."""

    cancels: list[tuple[int, int, bool]] = field(default_factory=list)
    aborts: list[int] = field(default_factory=list)


class HostTable:
    """The host's side: requests that the device has not completed yet."""

    def __init__(self, credits: Credits) -> None:  # noqa: A002 -- the protocol's word
        self._credits = credits
        self._urbs: dict[int, Urb] = {}
        self._cancels: dict[int, int] = {}
        self._aborts: dict[int, set[int]] = {}

    def __len__(self) -> int:
        return len(self._urbs)

    def begin(self, urb: Urb) -> None:
        """A request has arrived. PeerError if it is beyond the credits."""
        if not self._credits.take(urb.length):
            raise PeerError(PeerReason.CREDIT, f"{len(self._urbs)} URBs are in flight, one more is beyond the credits")
        self._urbs[urb.sequence] = urb

    def end(self, urb: Urb, status: int) -> Answered | None:
        """The device is done with it; what must be said after its response, None for nothing (nearly always)."""
        sequence = urb.sequence
        del self._urbs[sequence]
        self._credits.give_back(urb.length)
        if not self._cancels and not self._aborts:
            return None
        answered = Answered()
        cancel = self._cancels.pop(sequence, 0)
        if cancel:
            answered.cancels.append((cancel, sequence, status == Status.CANCELLED))
        for abort, waiting in list(self._aborts.items()):
            waiting.discard(sequence)
            if not waiting:
                del self._aborts[abort]
                answered.aborts.append(abort)
        return answered

    def cancel(self, target: int, sequence: int) -> Urb | None:
        """A cancel has arrived: the URB to cancel, or None if it was lost and can be answered at once."""
        urb = self._urbs.get(target)
        if urb is None:
            return None
        if target in self._cancels:
            raise PeerError(PeerReason.DUPLICATE, f"URB {target} is being cancelled already")
        self._cancels[target] = sequence
        return urb

    def abort(self, endpoint: int, sequence: int) -> list[Urb]:
        """ABORT_PIPE has arrived: the URBs to cancel; none means that it can be answered at once."""
        urbs = [urb for urb in self._urbs.values() if urb.endpoint == endpoint]
        if len(self._aborts) >= limits.ABORTS:
            raise PeerError(PeerReason.LIMIT, f"{len(self._aborts)} aborts are under way")
        if urbs:
            self._aborts[sequence] = {urb.sequence for urb in urbs}
        return urbs

    def all(self) -> list[Urb]:
        """What is in flight now."""
        return list(self._urbs.values())


class GuestTable:
    """The guest's side: requests that have been sent, cancels that have been asked for."""

    def __init__(self, credits: Credits) -> None:  # noqa: A002 -- the protocol's word
        self._credits = credits
        self._urbs: dict[int, Urb] = {}
        self._cancels: dict[int, int] = {}
        self._outcomes: dict[int, bool | None] = {}

    def __len__(self) -> int:
        return len(self._urbs)

    def room(self, length: int) -> bool:
        """Take credit for one more URB of ``length`` bytes, or say that it must wait."""
        return self._credits.take(length)

    def begin(self, sequence: int, urb: Urb) -> None:
        """A request for which :meth:`room` was taken has been given its number."""
        self._urbs[sequence] = urb

    def find(self, sequence: int) -> Urb:
        """The URB that a response is for; PeerError if there is none."""
        urb = self._urbs.get(sequence)
        if urb is None:
            raise PeerError(PeerReason.UNKNOWN_SEQUENCE, f"a response to {sequence}, which is not in flight")
        return urb

    def end(self, sequence: int, status: int) -> Urb:
        """Its response has arrived and is sound."""
        urb = self._urbs.pop(sequence)
        self._credits.give_back(urb.length)
        if sequence in self._outcomes:
            self._outcomes[sequence] = status == Status.CANCELLED
        return urb

    def cancellable(self, target: int) -> bool:
        """Whether a cancel of ``target`` may be sent: not twice, and not for what has been answered."""
        return target in self._urbs and target not in self._outcomes

    def cancelling(self, target: int, sequence: int) -> None:
        """A cancel of ``target``, numbered ``sequence``, is about to be sent."""
        self._cancels[sequence] = target
        self._outcomes[target] = None

    @property
    def oldest_cancel(self) -> int:
        """The number of the cancel that has waited longest for its answer, 0 for none."""
        return next(iter(self._cancels), 0)

    def cancelled(self, sequence: int, target: int, won: bool) -> None:
        """The answer to a cancel has arrived. PeerError if it came before the URB's response, or contradicts it."""
        if self._cancels.pop(sequence, None) != target:
            raise PeerError(PeerReason.UNKNOWN_SEQUENCE, f"an answer to cancel {sequence}, which was not asked for")
        outcome = self._outcomes.pop(target)
        if outcome is None:
            raise PeerError(PeerReason.OUT_OF_ORDER, f"the cancel of {target} was answered before the URB was")
        # The other contradiction is none: a change of the device's state may give a URB back as cancelled before the
        # cancel arrives, which has then lost.
        if won and not outcome:
            raise PeerError(PeerReason.BAD_ANSWER, f"the cancel of {target} is said to have won, but it had completed")

    def abandon(self) -> list[Urb]:
        """The connection is gone: every URB that will never be answered."""
        urbs = list(self._urbs.values())
        self._urbs.clear()
        return urbs
