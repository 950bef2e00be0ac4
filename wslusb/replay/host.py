"""A capture as a host: its requests are sent to a device, in their order, and the answers are compared."""

from __future__ import annotations

import bisect
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..capture.usbpcap import NOT_TOLD
from ..device.api import Device
from ..device.sync import Result
from ..errors import DeviceError
from ..usb.ids import TransferType
from ..usb.setup import Barrier, Request, Setup
from ..usb.urb import Status, Urb, UrbFlag
from .divergence import Divergence, Log, show_data, show_exchange
from .pace import ASAP, Pace
from .script import answer_data
from .story import ANYTIME, Exchange, Story
from .wildcards import Wildcards

__all__ = ["ReplayHost"]

_SHORT_NOT_OK, _ZERO_PACKET = 0x0001, 0x0040
_PACKET = 512
_CANCEL_SECONDS = 5.0


@dataclass(slots=True)
class _Sent:
    exchange: Exchange
    urb: Urb
    result: Result


class ReplayHost:
    """Plays a story once. What the capture's host took back is taken back at the same place, whatever it brought.

    ``patience``: seconds that an answer may take longer than everything before it. SET_ADDRESS, which the system of a
    device has done, is left out, and so is what the capture's controller refused.
    """

    def __init__(
        self, story: Story, wildcards: Wildcards | None = None, pace: Pace = ASAP, *, patience: float = 5.0,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        self.log = Log()
        self._story = story
        self._wildcards = wildcards or Wildcards()
        self._pace, self._patience, self._pause = pace, patience, pause
        self._flying: dict[int, _Sent] = {}
        self._most: dict[int, int] = {}
        for each in story.exchanges:
            if each.answer is not None:
                self._most[each.lane] = max(self._most.get(each.lane, 0), len(each.answer.data))

    def play(self, device: Device) -> Log:
        """Send everything; ``log`` has the differences. All URBs are done when this returns."""
        last = 0
        for moment, exchange, begins in _moments(self._story):
            if last and self._pace.factor:
                self._pause(self._pace.seconds(max(moment - last, 0) / 1e9))
            last = moment
            if begins:
                self._send(device, exchange)
            else:
                self._await(device, exchange)
        for sent in list(self._flying.values()):
            self._take_back(device, sent)
        return self.log

    def _send(self, device: Device, exchange: Exchange) -> None:
        setup = exchange.setup
        if exchange.request.transfer == TransferType.CONTROL and setup is None:
            return
        if setup is not None and (setup.request_type, setup.request) == (0, Request.SET_ADDRESS):
            return
        barrier = setup.barrier() if setup else None
        if setup is not None and barrier is not None:
            self._compare(exchange, _change(device, setup, barrier), b"")
            return
        sent = _Sent(exchange, _urb(exchange, self._most.get(exchange.lane, 0)), Result())
        self._flying[id(exchange)] = sent
        device.submit(sent.urb, sent.result.done)

    def _await(self, device: Device, exchange: Exchange) -> None:
        sent = self._flying.get(id(exchange))
        if sent is None:
            return
        if exchange.waits:
            self._take_back(device, sent)
            return
        if not sent.result.wait(self._patience):
            self._take_back(device, sent)
            pending = tuple(show_exchange(each.exchange) for each in self._flying.values())
            self._differ(exchange, "the device does not answer", f"nothing in {self._patience:g} s", pending)
            return
        del self._flying[id(exchange)]
        self._compare(exchange, sent.result.status, sent.result.data)

    def _take_back(self, device: Device, sent: _Sent) -> None:
        device.cancel(sent.urb)
        sent.result.wait(_CANCEL_SECONDS)
        self._flying.pop(id(sent.exchange), None)

    def _compare(self, exchange: Exchange, status: int, data: bytes) -> None:
        answer, expected = exchange.answer, exchange.status
        if answer is None or expected is None or exchange.waits:
            return
        got = Status(status) if status in set(Status) else Status.FAILED
        place = None
        if exchange.request.is_in and not exchange.cut and not exchange.taken_out(len(data)):
            place = self._wildcards.difference(exchange.request.endpoint, answer_data(exchange), data)
        if _plain(expected) != _plain(got) or place is not None:
            what = "another answer" if place is None else f"another answer from byte {place}"
            self._differ(exchange, what, f"{got.name}, {show_data(data, place or 0)}", (), place or 0)

    def _differ(self, exchange: Exchange, what: str, got: str, pending: tuple[str, ...], place: int = 0) -> None:
        answer, status = exchange.answer, exchange.status
        data = show_data(answer.data if answer else b"", place)
        expected = f"{status.name if status is not None else 'nothing'}, {data}"
        what = f"{what} to packet {exchange.number}: {show_exchange(exchange)}"
        self.log.add(Divergence(what, expected, got, exchange.answer_number, pending))


def _plain(status: Status) -> Status:
    """Whether a short read is a success is a matter of the host's flags."""
    return Status.OK if status == Status.SHORT else status


def _moments(story: Story) -> Iterator[tuple[int, Exchange, bool]]:
    """Beginnings and ends in the order of the file: time in nanoseconds, URB, and whether it begins."""
    known: dict[int, list[Exchange]] = {}
    for exchange in story.exchanges:
        if exchange.number != ANYTIME and exchange.answer is not None:
            known.setdefault(exchange.lane, []).append(exchange)
    moments: list[tuple[float, int, Exchange, bool]] = []
    for exchange in story.exchanges:
        if exchange.refused:
            continue
        begun = exchange.number
        if begun == ANYTIME:
            # It was asked before the capture began, or that was dropped: in any case before what ended after it.
            queue, end = known.get(exchange.lane, []), exchange.answer_number
            after = bisect.bisect(queue, end, key=lambda each: each.answer_number)
            begun = min(queue[after].number, end) if after < len(queue) else end
        moments.append((begun - (exchange.number == ANYTIME) / 2, exchange.request.time, exchange, True))
        if exchange.answer is not None:
            moments.append((exchange.answer_number, exchange.answer.time, exchange, False))
    for _, moment, exchange, begins in sorted(moments, key=lambda each: each[0]):
        yield moment, exchange, begins


def _urb(exchange: Exchange, most: int) -> Urb:
    """The request of a captured URB. ``most``: bytes that its endpoint ever brought at once."""
    request = exchange.request
    flags = UrbFlag.SHORT_OK if request.is_in and not request.flags & _SHORT_NOT_OK else UrbFlag(0)
    flags |= UrbFlag.ISO_ASAP if request.transfer == TransferType.ISOCHRONOUS else UrbFlag(0)
    flags |= UrbFlag.ZERO_PACKET if request.flags & _ZERO_PACKET and not request.is_in else UrbFlag(0)
    lengths = tuple(each.length for each in request.iso)
    length = _length(exchange, most) if request.is_in else len(request.data)
    if lengths:
        length = sum(lengths)
    return Urb(
        0, request.endpoint, request.transfer, length, flags, b"" if request.is_in else request.data, exchange.setup,
        request.interval, iso_lengths=lengths,
    )  # fmt: skip


def _length(exchange: Exchange, most: int) -> int:
    """What to ask for. Where the capture does not tell: whole packets, with room for what came, or could have come."""
    if exchange.setup is not None:
        return exchange.setup.length
    if exchange.request.length != NOT_TOLD and exchange.number != ANYTIME:
        return exchange.request.length
    came = most if exchange.waits or exchange.answer is None else len(exchange.answer.data)
    return max(-(-came // _PACKET), 1) * _PACKET


def _change(device: Device, setup: Setup, barrier: Barrier) -> int:
    calls: dict[Barrier, Callable[[], None]] = {
        Barrier.SELECT_CONFIGURATION: lambda: device.select_configuration(setup.value & 0xFF),
        Barrier.SELECT_INTERFACE: lambda: device.select_interface(setup.index, setup.value),
        Barrier.CLEAR_HALT: lambda: device.clear_halt(setup.index),
    }
    try:
        calls[barrier]()
    except DeviceError as error:
        return error.status
    return Status.OK
