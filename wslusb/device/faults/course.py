"""What faults make of one URB: how it reaches the device, and what is told of it. No device, no thread, no clock."""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass

from ...usb.ids import TransferType
from ...usb.urb import Completion, IsoResult, Status, Urb, UrbFlag

__all__ = ["FOR_EVER", "NOT_DONE", "Course", "Event", "incoming", "lane_of", "outgoing"]

FOR_EVER = float("inf")
NOT_DONE = frozenset((Status.CANCELLED, Status.GONE))
"""How a device answers a URB that it will not do any more: no fault befalls that, and nobody holds it back."""


class Event(enum.Enum):
    """What outlives the URB that a fault was injected into."""

    HALT = "the endpoint stalls until the halt is cleared"
    NAK = "the endpoint answers nothing for some time"
    DEAF = "the device answers nothing until it is reset"
    LEAVE = "the device is off the bus"


@dataclass(slots=True)
class Course:
    """The way of one URB. Several faults may have written into it; the defaults are the way without any.

    ``status``: it ends so, if the device has done it; with ``overrules``, whatever the device says. ``reaches``: the
    device gets to see it. ``limit``: so many bytes are told as moved at the most, and of OUT data the device gets no
    more than ``cut``. ``bit`` is turned, ``packets`` end with ``packet_status``. ``hold``: seconds before the device
    gets it. ``keep``: seconds between the device's completion and its owner's; :data:`FOR_EVER` is until it is
    cancelled, for both. ``loses``: a cancel finds it completed. ``rate``: bytes a second. ``copies``: how often it is
    completed. ``seconds``: how long ``event`` lasts. ``become``: what the device comes back as.
    """

    status: Status | None = None
    overrules: bool = False
    reaches: bool = True
    limit: int | None = None
    cut: int | None = None
    bit: int | None = None
    packets: tuple[int, ...] = ()
    packet_status: Status = Status.CRC
    hold: float = 0.0
    keep: float = 0.0
    loses: bool = True
    rate: float = 0.0
    copies: int = 1
    event: Event | None = None
    seconds: float = FOR_EVER
    become: str = ""


def lane_of(urb: Urb) -> int:
    """The endpoint that a URB queues at; both directions of endpoint 0 are one."""
    return urb.endpoint & 0x0F if urb.transfer == TransferType.CONTROL else urb.endpoint


def outgoing(urb: Urb, course: Course) -> Urb:
    """What the device gets: the URB itself, or another one where its OUT data are not to be the same."""
    if urb.is_in:
        return urb
    data = urb.data
    if course.bit is not None:
        data = _flipped(data, course.bit)
    if course.cut is not None and urb.transfer in (TransferType.BULK, TransferType.INTERRUPT):
        data = memoryview(data)[: course.cut]
    return urb if data is urb.data else dataclasses.replace(urb, data=data, length=len(data))


def incoming(urb: Urb, course: Course, answer: Completion) -> Completion:
    """What is told of ``urb``, from what the device answered."""
    if course.packets:
        return _without(urb, course, answer)
    status, actual, data, iso = answer.status, answer.actual_length, answer.data, answer.iso
    if urb.is_iso and course.limit is not None:
        actual, data, iso = 0, b"", ()  # a URB that ends as a whole has no packets
    if course.bit is not None and data:
        data = _flipped(data, course.bit)
    if course.limit is not None and actual > course.limit:
        actual, data = course.limit, memoryview(data)[: course.limit]
    if course.status is not None and (course.overrules or status not in NOT_DONE):
        status = course.status
    elif course.limit is not None and status == Status.OK and not _may_be_short(urb, actual):
        status = Status.SHORT
    return Completion(urb, status, actual, data, answer.start_frame, answer.error_count, iso)


def _may_be_short(urb: Urb, actual: int) -> bool:
    return actual == urb.length or bool(urb.flags & UrbFlag.SHORT_OK)


def _flipped(data: bytes | bytearray | memoryview, bit: int) -> bytes:
    """The data with one bit turned; ``bit`` is counted around as often as it takes."""
    changed = bytearray(data)
    if changed:
        bit %= 8 * len(changed)
        changed[bit >> 3] ^= 1 << (bit & 7)
    return bytes(changed)


def _without(urb: Urb, course: Course, answer: Completion) -> Completion:
    """Isochronous packets fail: no data of theirs arrives, the URB as a whole is a success (USB 2.0, 5.6.4)."""
    lost, offset = set(course.packets), 0
    results: list[IsoResult] = []
    pieces: list[memoryview] = []
    for number, result in enumerate(answer.iso):
        if number in lost:
            results.append(IsoResult(course.packet_status, 0))
        else:
            results.append(result)
            pieces.append(memoryview(answer.data)[offset : offset + result.actual_length])
        offset += result.actual_length
    actual = sum(result.actual_length for result in results)
    errors = sum(result.status != Status.OK for result in results)
    return Completion(urb, answer.status, actual, b"".join(pieces), answer.start_frame, errors, results)
