"""Strict replay: the host does what the capture's host did, in its order, to the byte."""

from __future__ import annotations

from collections import deque

from ..usb.urb import Urb
from .divergence import Diverged, show_exchange
from .retold import LOOK_AHEAD, Retold
from .script import Causes, Reply, mismatch
from .story import ANYTIME, Exchange, Story, lane_of
from .wildcards import Wildcards

__all__ = ["Strict"]

_END = "nothing: the capture ends"


class Strict(Retold):
    """See :class:`wslusb.replay.script.Script`."""

    in_turn = False

    def __init__(self, story: Story, wildcards: Wildcards) -> None:
        self._early: dict[int, deque[Exchange]] = {}
        for exchange in story.exchanges:
            if exchange.number == ANYTIME:
                self._early.setdefault(exchange.lane, deque()).append(exchange)
        self._exchanges = [each for each in story.exchanges if each.number != ANYTIME and not each.refused]
        super().__init__(story, wildcards, Causes(self._exchanges))
        self._before = sum(each.number < self._unplugged for each in self._exchanges)
        """How many URBs the capture's host had submitted when the device was pulled out."""
        self._next = 0

    @property
    def remaining(self) -> int:
        """How many URBs of the capture have not been asked for."""
        return len(self._exchanges) - self._next

    def ask(self, urb: Urb) -> Reply:
        """The next of the capture, if that is what the host does."""
        early = self._early.get(lane_of(urb.endpoint))
        if early and not self._ends_before(early[0]):
            return self._answer(early.popleft(), urb)
        if self._next >= len(self._exchanges):
            raise Diverged("the host goes on", _END)
        expected = self._exchanges[self._next]
        difference = mismatch(expected, urb, self._wildcards)
        if difference is not None:
            what, place = difference
            self._catch_up(urb)
            raise Diverged(f"the host asked {what}", show_exchange(expected, place), expected.number)
        self._next += 1
        return self._answer(expected, urb)

    def _ends_before(self, early: Exchange) -> bool:
        """Whether the next of the capture is of the same queue, and ends before one whose beginning is not in it."""
        expected = next(iter(self._exchanges[self._next : self._next + 1]), None)
        if expected is None or expected.lane != early.lane:
            return False
        end = expected.number if expected.lost else expected.answer_number
        return 0 < end < early.answer_number

    def _catch_up(self, urb: Urb) -> None:
        for index in range(self._next, min(self._next + LOOK_AHEAD, len(self._exchanges))):
            if mismatch(self._exchanges[index], urb, self._wildcards) is None:
                for skipped in self._exchanges[self._next : index + 1]:
                    self._causes.submitted(skipped)
                self._next = index + 1
                return

    def hinted(self, reply: Reply) -> bool:
        """The device goes when all has been asked that the captured one was asked."""
        return not reply.gone or self._next >= self._before

    def settled(self, reply: Reply) -> None:
        """See :class:`Script`."""
        super().settled(reply)
        self._before = 0

    def returned(self, urb: Urb, reply: Reply | None) -> None:
        """The order of the capture goes on."""

    def restart(self) -> None:
        """The order of the capture goes on."""
