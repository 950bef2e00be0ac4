"""What a captured host had done before a device spoke, and what may therefore have been a question.

Two things are counted: URBs that were taken back (a read that timed out tells that the device was silent that long),
and class and vendor requests to the device (HID output reports). Drivers do these more or less often than the captured
one, so an answer waits for them only as long as the device was silent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from ..usb.setup import RequestType
from ..usb.urb import Urb
from .script import Hint, Reply
from .story import Exchange, Story, lane_of

__all__ = ["Hints"]

_ASKING = (RequestType.CLASS, RequestType.VENDOR)


class Hints:
    """Counts of what the captured host had done, and of what this one has."""

    def __init__(self, story: Story, queues: Iterable[Iterable[Exchange]]) -> None:
        self._seen: Counter[Hint] = Counter()
        self._of: dict[int, tuple[dict[Hint, int], float]] = {}
        moments = sorted(_moments(story), key=lambda each: each[0])
        for queue in queues:
            self._read(list(queue), moments)

    def _read(self, queue: list[Exchange], moments: list[tuple[int, Hint]]) -> None:
        """For each answer of an IN queue: what the host did since the one before, as a count from the beginning."""
        counts: Counter[Hint] = Counter()
        at, spoke = 0, 0
        for exchange in queue:
            if exchange.answer is None:
                continue
            fresh: set[Hint] = set()
            while at < len(moments) and moments[at][0] < exchange.answer_number:
                hint = moments[at][1]
                at += 1
                if isinstance(hint, bytes) or hint == exchange.lane:
                    counts[hint] += 1
                    fresh.add(hint)
            quiet = (exchange.answer.time - spoke) / 1e9 if spoke else exchange.seconds
            spoke = exchange.answer.time
            if fresh:
                self._of[id(exchange)] = {hint: counts[hint] for hint in fresh}, max(quiet, 0.0)

    def give(self, exchange: Exchange, reply: Reply) -> None:
        """Tell a reply what its answer came after."""
        reply.hints, reply.quiet = self._of.get(id(exchange), ({}, 0.0))

    def happened(self, hint: Hint) -> None:
        """This host has done it."""
        self._seen[hint] += 1

    def asked(self, urb: Urb) -> None:
        """This host has sent a request."""
        if urb.setup is not None and not urb.setup.is_in and urb.setup.kind in _ASKING:
            self.happened(urb.setup.pack())

    def met(self, hints: Mapping[Hint, int]) -> bool:
        """Whether this host has done that as often."""
        return all(self._seen[hint] >= count for hint, count in hints.items())

    def settled(self, hints: Mapping[Hint, int]) -> None:
        """It was not done, and is not waited for again."""
        for hint, count in hints.items():
            self._seen[hint] = max(self._seen[hint], count)


def _moments(story: Story) -> Iterable[tuple[int, Hint]]:
    for exchange in story.exchanges:
        setup = exchange.setup
        if setup is not None and not setup.is_in and setup.kind in _ASKING and not exchange.refused:
            yield exchange.number, exchange.request.setup
        elif setup is None and exchange.waits and exchange.answer is not None and exchange.request.is_in:
            yield exchange.answer_number, lane_of(exchange.request.endpoint)
