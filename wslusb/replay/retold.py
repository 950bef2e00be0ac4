"""What modes have in common that give the capture's own answers again."""

from __future__ import annotations

import math

from ..usb.urb import Urb
from .script import Causes, Reply, reply_of
from .story import Exchange, Story
from .wildcards import Tags, Wildcards

__all__ = ["LOOK_AHEAD", "Retold"]

LOOK_AHEAD = 64
"""After a divergence, this many URBs of the capture are searched for the one that the host has gone on with."""


class Retold:
    """Part of a :class:`wslusb.replay.script.Script`. ``causes``: what its answers wait for."""

    patient = False

    def __init__(self, story: Story, wildcards: Wildcards, causes: Causes) -> None:
        self._unplugged = story.unplugged
        self._wildcards = wildcards
        self._causes = causes
        self._tags = Tags()

    def _reply(self, exchange: Exchange, urb: Urb) -> Reply:
        """What became of a captured URB; one that was under way when the device was pulled out tells that."""
        reply = reply_of(exchange, urb)
        if exchange.waits and exchange.answer_number >= self._unplugged > 0:
            reply.gone, reply.waits, reply.seconds, reply.quiet = True, False, exchange.seconds, math.inf
        return reply

    def _answer(self, exchange: Exchange, urb: Urb) -> Reply:
        """The same, as the next that happens: with its host's own tag, and what it waits for."""
        self._causes.submitted(exchange)
        self._tags.sent(exchange.request.data, urb.data)
        reply = self._reply(exchange, urb)
        reply.data = self._tags.answer(reply.data)
        reply.needs = self._causes.needs(exchange)
        return reply

    def met(self, reply: Reply) -> bool:
        """See :class:`Script`."""
        return self._causes.met(reply)

    def settled(self, reply: Reply) -> None:
        """See :class:`Script`."""
        self._causes.settled(reply)

    def awaited(self, reply: Reply) -> tuple[str, int]:
        """See :class:`Script`."""
        return self._causes.awaited(reply)
