"""Keyed replay: a queue an endpoint, control transfers by their SETUP packet and data."""

from __future__ import annotations

import itertools
from collections import Counter, deque
from collections.abc import Iterator

from ..usb.ids import TransferType, is_in
from ..usb.urb import IsoResult, Status, Urb, from_errno
from .divergence import Diverged, show_exchange
from .facts import Facts
from .hints import Hints
from .retold import LOOK_AHEAD, Retold
from .script import Causes, Reply, answer_data, mismatch
from .story import Exchange, Story, lane_of
from .wildcards import Wildcards

__all__ = ["Keyed"]

ControlKey = tuple[bytes, bytes]


class Keyed(Retold):
    """See :class:`wslusb.replay.script.Script`.

    What an IN endpoint says it says in the order in which it was said. URBs that the capture's host took back say
    nothing, but for the last ones of an endpoint: there the device had nothing to say, and so it has now; the others
    tell when it was silent (``hints.py``). A control request that comes more often than in the capture gets its last
    answer again.
    """

    in_turn = True

    def __init__(self, story: Story, facts: Facts, wildcards: Wildcards) -> None:
        self._controls: dict[ControlKey, list[Exchange]] = {}
        self._turns: Counter[ControlKey] = Counter()
        self._lanes: dict[int, deque[Exchange]] = {}
        told = [each for each in story.exchanges if not each.refused]
        for exchange in told:
            if exchange.lane:
                self._lanes.setdefault(exchange.lane, deque()).append(exchange)
            else:
                self._controls.setdefault((exchange.request.setup, exchange.request.data), []).append(exchange)
        self._lanes = {lane: _answered(queue, story.unplugged) for lane, queue in self._lanes.items()}
        self._packets = {lane: _packets(queue) for lane, queue in self._lanes.items() if _is_iso(queue)}
        self._used: set[int] = set()
        self._let_go = False
        queued = sorted(itertools.chain(*self._lanes.values()), key=lambda each: each.number)
        super().__init__(story, wildcards, Causes(queued, _companions(facts, self._lanes)))
        self.hints = Hints(story, (queue for lane, queue in self._lanes.items() if is_in(lane) and not _is_iso(queue)))

    def ask(self, urb: Urb) -> Reply:
        """The next of the endpoint, or what was answered to this request."""
        if urb.setup is not None:
            self.hints.asked(urb)
            return self.control(urb, (urb.setup.pack(), bytes(urb.data)))
        if urb.is_iso:
            return self._isochronous(urb)
        return self._queued(urb)

    def control(self, urb: Urb, key: ControlKey) -> Reply:
        """The answers to a request, one after the other. Diverged if there is none."""
        found = self._controls.get(key)
        if not found:
            similar = next((each[0] for (setup, _), each in self._controls.items() if setup[:2] == key[0][:2]), None)
            expected = show_exchange(similar) if similar else "no request of this kind"
            raise Diverged("the capture has no such request", expected, similar.number if similar else 0)
        turn, self._turns[key] = self._turns[key], self._turns[key] + 1
        if turn < len(found):
            return self._reply(found[turn], urb)
        return self._reply(next((each for each in reversed(found) if not each.waits and not each.lost), found[-1]), urb)

    def answers(self, key: ControlKey) -> list[bytes | None]:
        """What the capture answers to an IN request each time, None where it does not."""
        found = self._controls.get(key, ())
        whole = [each.status in (Status.OK, Status.SHORT) and not each.cut for each in found]
        return [answer_data(each) if good else None for each, good in zip(found, whole, strict=True)]

    def same_request(self, setup: bytes) -> Iterator[ControlKey]:
        """The requests of the capture that are this one but for wLength and data."""
        return (key for key in self._controls if key[0][:6] == setup[:6])

    def _queued(self, urb: Urb) -> Reply:
        queue = self._lanes.get(urb.endpoint)
        if not queue:
            if urb.is_in and urb.transfer == TransferType.INTERRUPT:
                return Reply(waits=True)  # nothing to say is what an interrupt endpoint says most of the time
            raise Diverged("the capture has nothing more for this endpoint", "nothing")
        self._used.add(urb.endpoint)
        head = queue[0]
        if not urb.is_in and (difference := mismatch(head, urb, self._wildcards)) is not None:
            self._catch_up(queue, urb)
            raise Diverged(f"the host asked {difference[0]}", show_exchange(head, difference[1]), head.number)
        if head.waits:
            reply = self._reply(head, urb)
            if head.brought or (not urb.is_in and not reply.gone):
                queue.popleft()  # its bytes were moved before it was taken back
                self._causes.submitted(head)
            return reply
        if urb.is_in:
            self._fits(head, urb)
        queue.popleft()
        return self._answer(head, urb)

    @staticmethod
    def _fits(head: Exchange, urb: Urb) -> None:
        answer = head.answer
        if head.request.transfer != urb.transfer or (answer is not None and len(answer.data) > urb.length):
            raise Diverged("the host asked for less than the device sends", show_exchange(head), head.number)

    def _catch_up(self, queue: deque[Exchange], urb: Urb) -> None:
        for index, exchange in enumerate(itertools.islice(queue, LOOK_AHEAD)):
            if mismatch(exchange, urb, self._wildcards) is None:
                for _ in range(index + 1):
                    self._causes.submitted(queue.popleft())
                return

    def _answer(self, exchange: Exchange, urb: Urb) -> Reply:
        reply = super()._answer(exchange, urb)
        if urb.is_in:
            self.hints.give(exchange, reply)
            reply.exchange = exchange
        return reply

    def returned(self, urb: Urb, reply: Reply | None) -> None:
        """What the device had not said yet it says to the next URB."""
        if urb.is_in and urb.setup is None:
            self.hints.happened(lane_of(urb.endpoint))
        if reply is not None and reply.exchange is not None:
            self._lanes[reply.exchange.lane].appendleft(reply.exchange)

    def stalled(self, endpoint: int) -> None:
        """A URB was stalled without a look at the queue: if that is what the capture has next, it has been told."""
        queue = self._lanes.get(endpoint)
        if queue and queue[0].status == Status.STALL:
            self._causes.submitted(queue.popleft())

    def _isochronous(self, urb: Urb) -> Reply:
        """Packets are told one by one, however many a URB has; when there are no more, empty ones."""
        if not urb.is_in:
            return Reply(iso=[IsoResult(Status.OK, length) for length in urb.iso_lengths])
        packets = self._packets.get(urb.endpoint) or deque()
        reply, parts, results = Reply(), list[bytes](), list[IsoResult]()
        for room in urb.iso_lengths:
            status, data = packets.popleft() if packets else (Status.OK, b"")
            parts.append(data[:room])
            results.append(IsoResult(status, len(parts[-1])))
        reply.data, reply.iso = b"".join(parts), results
        return reply

    def hinted(self, reply: Reply) -> bool:
        """See :class:`Script`. A device goes when it has said all to those endpoints that it is asked on."""
        return self.hints.met(reply.hints) and (not reply.gone or self._let_go or self._drained())

    def _drained(self) -> bool:
        queues = (self._lanes[lane] for lane in self._used)
        return not any(queue and (not queue[0].waits or queue[0].brought) for queue in queues)

    def settled(self, reply: Reply) -> None:
        """See :class:`Script`."""
        super().settled(reply)
        self.hints.settled(reply.hints)
        self._let_go |= reply.gone

    def restart(self) -> None:
        """The queues go on."""


def _answered(queue: deque[Exchange], unplugged: int) -> deque[Exchange]:
    """The queue of an endpoint as the device sees it, up to where it was pulled out.

    OUT as submitted. IN as told, without those that it never answered, but for the last if that is one of them; those
    whose end is not in the capture ended before the next of the queue.
    """
    if not is_in(queue[-1].lane):
        return queue
    end, told = 0, list[tuple[int, Exchange]]()
    for each in reversed(queue):
        end = each.answer_number or end
        if each.lost or (each.answer is not None and (not each.waits or each.brought)):
            told.append((end, each))
    told.reverse()
    told.sort(key=lambda place: place[0])
    kept = deque(each for _, each in told)
    ended = [each for each in queue if each.answer_number >= unplugged > 0] or [queue[-1]]
    if ended[0].waits and not ended[0].brought:
        kept.append(ended[0])
    return kept


def _is_iso(queue: deque[Exchange]) -> bool:
    return bool(queue) and queue[0].request.transfer == TransferType.ISOCHRONOUS


def _packets(queue: deque[Exchange]) -> deque[tuple[Status, bytes]]:
    answers = [each.answer for each in queue if each.answer is not None]
    return deque(
        (from_errno(packet.status), answer.data[packet.offset : packet.offset + packet.length])
        for answer in answers
        for packet in answer.iso
    )


def _companions(facts: Facts, lanes: dict[int, deque[Exchange]]) -> dict[int, frozenset[int]]:
    """The OUT endpoints that share an interface with each IN endpoint; all of them where that is not known."""
    outs = frozenset(lane for lane in lanes if lane and not is_in(lane))
    found: dict[int, frozenset[int]] = {}
    for configuration in facts.parsed():
        for interface in configuration.interfaces:
            addresses = {endpoint.address for endpoint in interface.endpoints}
            for address in addresses:
                found[address] = found.get(address, frozenset()) | (outs & addresses)
    return {lane: found.get(lane_of(lane), outs) for lane in lanes if is_in(lane)}
