"""What happened to one device in a capture: its URBs in the order of submission, each with how it ended."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..capture.record import Record
from ..usb.ids import DIR_IN, TransferType
from ..usb.setup import SETUP_SIZE, RequestType, Setup
from ..usb.urb import Buffer, Status, from_errno

__all__ = ["ANYTIME", "Exchange", "Story", "tell"]

ANYTIME = 0
"""The number of a submission that is not in the file, since it was made before the capture began."""
_GIVEN_BACK = {Status.CANCELLED, Status.GONE}
_NO_FAULT = {None, Status.OK, Status.SHORT, *_GIVEN_BACK}
_OTHER = 3
_HUB_RECIPIENTS = {_OTHER}


@dataclass(slots=True)
class Exchange:
    """A URB of a capture. ``number`` and ``answer_number`` are of its packets, counted from 1 as Wireshark does."""

    number: int
    request: Record
    answer: Record | None = None
    answer_number: int = 0
    lost: bool = False
    """It must have ended, since others of its queue ended after it, and the capture does not say how."""
    token: bool = False
    """Redaction has put something else in the place of its data."""
    blanked: bool = False
    """Redaction has put as many zeroes in the place of its data."""

    @property
    def setup(self) -> Setup | None:
        """The SETUP packet of a control transfer."""
        return Setup.unpack(self.request.setup) if len(self.request.setup) == SETUP_SIZE else None

    @property
    def status(self) -> Status | None:
        """How it ended; None if the capture ended first."""
        return None if self.answer is None else from_errno(self.answer.status)

    @property
    def refused(self) -> bool:
        """Whether the host's controller did not even take it."""
        return self.answer is not None and self.answer.kind == "E"

    @property
    def waits(self) -> bool:
        """Whether the device never answered: it was taken back, the device was pulled out, or the capture ended."""
        if self.status is None:
            return not self.lost
        return self.status in _GIVEN_BACK and not self.refused

    @property
    def payload(self) -> Buffer:
        """The data, in the direction in which they went."""
        if not self.request.is_in:
            return self.request.data
        return self.answer.data if self.answer is not None else b""

    def taken_out(self, length: int) -> bool:
        """Whether so many bytes cannot be compared with the data, since those were taken out of the capture."""
        return self.token or (self.blanked and len(self.payload) == length)

    @property
    def brought(self) -> bool:
        """Whether it moved any bytes to the host."""
        return self.answer is not None and bool(self.answer.data)

    @property
    def cut(self) -> int:
        """How many bytes of the answer the capture lacks."""
        answer = self.answer
        return max(answer.length - len(answer.data), 0) if answer is not None and answer.is_in and not answer.iso else 0

    @property
    def lane(self) -> int:
        """What it queues at: the endpoint's address, 0 for control transfers of either direction."""
        return lane_of(self.request.endpoint)

    @property
    def seconds(self) -> float:
        """How long it took; 0 if it never ended."""
        return 0.0 if self.answer is None else max(self.answer.time - self.request.time, 0) / 1e9


def lane_of(endpoint: int) -> int:
    """The queue that a URB to an endpoint stands in."""
    return endpoint if endpoint & 0x7F else 0


@dataclass(slots=True)
class Story:
    """One device of a capture. ``notes`` are sentences about what the file does not hold of it.

    ``redacted``: something may have been taken out of it (``taken_out.py``).
    """

    bus: int
    device: int
    exchanges: list[Exchange] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    redacted: bool = False

    @property
    def name(self) -> str:
        """``bus.address``."""
        return f"{self.bus}.{self.device}"

    @property
    def unplugged(self) -> int:
        """The packet that tells that the device was pulled out: no URB has come to a good end after it. 0: none does.

        Linux says so (ESHUTDOWN), also where a setting is changed; of Windows' statuses, one that is rare does.
        """
        gone = [each.answer_number for each in self.exchanges if each.status is Status.GONE and not each.refused]
        alive = [each.answer_number for each in self.exchanges if not each.waits and not each.refused]
        last = max(alive, default=0)
        return min((number for number in gone if number > last), default=0)

    @property
    def faults(self) -> list[Exchange]:
        """The URBs that ended badly by the device's doing. To stall a standard request says what it does not have."""
        ended = (each for each in self.exchanges if each.status not in _NO_FAULT and not each.refused)
        return [each for each in ended if not (each.setup and each.setup.kind == RequestType.STANDARD)]

    @property
    def is_hub(self) -> bool:
        """Whether its host spoke to ports of it (USB 2.0, 11.24.2)."""
        setups = (each.setup for each in self.exchanges)
        return any(each and each.kind == RequestType.CLASS and each.recipient in _HUB_RECIPIENTS for each in setups)


def tell(records: Iterable[tuple[int, Record]]) -> Mapping[tuple[int, int], Story]:
    """The devices of a capture by bus and address. ``records`` come with the numbers of their packets."""
    stories: dict[tuple[int, int], Story] = {}
    open_: dict[tuple[int, int, int], Exchange] = {}
    add = functools.partial(_add, stories, open_)
    for number, record in records:
        if record.first:
            add(number, record)
        else:
            _close(open_, add, number, record)
    for story in stories.values():
        _find_lost(story)
    return stories


def _find_lost(story: Story) -> None:
    """Mark the URBs whose second half is missing. An endpoint ends its URBs in their order."""
    ended: set[int] = set()
    lost = []
    for exchange in reversed(story.exchanges):
        if exchange.answer is None and exchange.lane in ended:
            exchange.lost = True
            lost.append(exchange.number)
        elif not exchange.waits and exchange.number != ANYTIME and not exchange.refused:
            ended.add(exchange.lane)
    if lost:
        story.notes.append(f"how {len(lost)} URBs ended, the first of them packet {lost[-1]}")


def _add(
    stories: dict[tuple[int, int], Story], open_: dict[tuple[int, int, int], Exchange], number: int, record: Record
) -> Exchange | None:
    key = (record.bus, record.device, record.key)
    if record.transfer == TransferType.CONTROL and len(record.setup) != SETUP_SIZE:
        # The data of a control write in a packet of its own (USBPcap); without its first half it means nothing.
        if (begun := open_.get(key)) is not None and not begun.request.data:
            begun.request.data = record.data
        return None
    place = (record.bus, record.device)
    story = stories.get(place)
    if story is None:
        story = stories[place] = Story(*place)
    # A key that is open still: its completion was lost, and the URB stays as one that never ended.
    exchange = open_[key] = Exchange(number, record)
    story.exchanges.append(exchange)
    return exchange


def _close(
    open_: dict[tuple[int, int, int], Exchange], add: functools.partial[Exchange | None], number: int, record: Record
) -> None:
    exchange = open_.pop((record.bus, record.device, record.key), None)
    if exchange is None:
        if not record.data or record.transfer in (TransferType.CONTROL, TransferType.ISOCHRONOUS) or not record.is_in:
            return  # the STATUS stage of older versions of USBPcap, or nothing that could be told again
        # It was submitted before the capture began: what it brought is known, and what it asked for is not.
        begun = dataclasses.replace(record, kind="S", data=b"", status=0)
        exchange = add(ANYTIME, begun)
        assert exchange is not None  # noqa: S101 -- it is no control transfer
        del open_[record.bus, record.device, record.key]
    setup = exchange.setup
    if setup is not None:
        record = dataclasses.replace(record, endpoint=record.endpoint & 0x7F | setup.request_type & DIR_IN)
        if not setup.is_in and record.data:
            # The DATA stage of a control write, which some versions of USBPcap write when it is over.
            exchange.request.data, record.data = exchange.request.data or record.data[: setup.length], b""
    exchange.answer, exchange.answer_number = record, number
