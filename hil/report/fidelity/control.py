"""Control transfers of two captures: descriptors by their longest answers, others by SETUP packet and OUT data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wslusb.capture.store import container_ids
from wslusb.replay.divergence import show_data
from wslusb.replay.facts import Facts, Key
from wslusb.replay.story import Story
from wslusb.replay.wildcards import Wildcards
from wslusb.usb.hid import REPORT
from wslusb.usb.ids import DIR_IN, DescriptorType
from wslusb.usb.setup import Request, RequestType, Setup
from wslusb.usb.urb import Status

from ..comparing import first_difference
from ..words import request_name
from .findings import Finding, Verdict

__all__ = ["GOOD", "compare_descriptors", "compare_requests", "not_asked"]

GOOD = frozenset({Status.OK, Status.SHORT})
"""Whether a short read is an error is for the host's flags to say, and not the device's doing."""
_ELSEWHERE = frozenset({Request.SET_ADDRESS, Request.GET_DESCRIPTOR})
"""An address is the host's to give; descriptors are compared whole."""
_FIELDS = (
    (0, 1, "bLength"), (1, 1, "bDescriptorType"), (2, 2, "bcdUSB"), (4, 1, "bDeviceClass"), (5, 1, "bDeviceSubClass"),
    (6, 1, "bDeviceProtocol"), (7, 1, "bMaxPacketSize0"), (8, 2, "idVendor"), (10, 2, "idProduct"),
    (12, 2, "bcdDevice"), (14, 1, "iManufacturer"), (15, 1, "iProduct"), (16, 1, "iSerialNumber"),
    (17, 1, "bNumConfigurations"),
)  # fmt: skip
_DEVICE_FIELDS = {at: name for begin, size, name in _FIELDS for at in range(begin, begin + size)}
"""Of a device descriptor, by byte (USB 2.0, table 9-8)."""


def not_asked(where: str, *, has_real: bool) -> Finding:
    """The finding for what one of the two was asked alone."""
    return Finding(Verdict.NOT_ASKED, where, f"only the {'real' if has_real else 'emulated'} device was asked")


def compare_descriptors(real: Facts, emulated: Facts) -> Iterator[Finding]:
    """A finding a descriptor. A serial number and container identifiers are expected to differ."""
    for key in sorted({*real.descriptors, *real.refused, *emulated.descriptors, *emulated.refused}):
        where = request_name(Setup(key[0], Request.GET_DESCRIPTOR, key[1] << 8 | key[2], key[3], 0))
        sides = [facts.descriptors.get(key, b"" if key in facts.refused else None) for facts in (real, emulated)]
        one, other = sides
        if one is None or other is None:
            yield not_asked(where, has_real=one is not None)
        elif _agree(key, one, other):
            yield Finding(Verdict.SAME, where)
        else:
            place = first_difference(one, other)
            verdict = Verdict.EXPECTED if _is_identity(key, real, one, other) else Verdict.DIFFERENCE
            what = f"another answer from byte {place}{_field(key, place)}" if one and other else "only one has it"
            yield Finding(verdict, where, what, _shown(key, one, place), _shown(key, other, place))


def _agree(key: Key, one: bytes, other: bytes) -> bool:
    """Whether they are the same, as far as both hosts asked. A report descriptor does not say how long it is."""
    size = min(len(one), len(other))
    return one == other or (key[1] != REPORT and size > 0 and one[:size] == other[:size])


def _is_identity(key: Key, facts: Facts, one: bytes, other: bytes) -> bool:
    if not one or not other:
        return False
    if key[:2] == (DIR_IN, DescriptorType.STRING):
        return facts.device is not None and key[2] != 0 and key[2] == facts.device.serial
    return key[:2] == (DIR_IN, DescriptorType.BOS) and _without_ids(one) == _without_ids(other)


def _without_ids(data: bytes) -> bytes:
    for value in container_ids(data):
        data = data.replace(value, bytes(len(value)))
    return data


def _field(key: Key, place: int) -> str:
    return f" ({_DEVICE_FIELDS[place]})" if key[1] == DescriptorType.DEVICE and place in _DEVICE_FIELDS else ""


def _shown(key: Key, data: bytes, place: int) -> str:
    if not data:
        return "STALL"
    text = f' "{data[2:].decode("utf-16-le", "replace")}"' if key[1] == DescriptorType.STRING and key[2] else ""
    return f"{len(data)} bytes:{text} {show_data(data, place)}"


@dataclass(slots=True, frozen=True)
class _Answer:
    status: str
    data: bytes
    whole: bool

    def agrees(self, other: _Answer, wildcards: Wildcards) -> bool:
        if self.status != other.status:
            return False
        return not (self.whole and other.whole) or wildcards.difference(0, self.data, other.data) is None


def compare_requests(real: Story, emulated: Story, wildcards: Wildcards) -> Iterator[Finding]:
    """A finding a request; where one was answered in several ways, one answer in common is enough."""
    one, other = _answers(real), _answers(emulated)
    for key in one | other:
        where = request_name(Setup.unpack(key[0])) + (f" with {show_data(key[1])}" if key[1] else "")
        if key not in one or key not in other:
            yield not_asked(where, has_real=key in one)
        elif any(a.agrees(b, wildcards) for a in one[key] for b in other[key]):
            yield Finding(Verdict.SAME, where)
        else:
            yield Finding(Verdict.DIFFERENCE, where, "another answer", _told(one[key]), _told(other[key]))


def _answers(story: Story) -> dict[tuple[bytes, bytes], list[_Answer]]:
    """What was answered to each request, each answer once."""
    found: dict[tuple[bytes, bytes], list[_Answer]] = {}
    for exchange in story.exchanges:
        setup, answer, status = exchange.setup, exchange.answer, exchange.status
        if setup is None or answer is None or status is None or exchange.waits:
            continue
        if setup.kind == RequestType.STANDARD and setup.request in _ELSEWHERE:
            continue
        told = Status.OK if status in GOOD else status
        reply = _Answer(told.name, answer.data if setup.is_in else b"", not exchange.cut)
        known = found.setdefault((exchange.request.setup, exchange.request.data), [])
        if reply not in known:
            known.append(reply)
    return found


def _told(answers: Sequence[_Answer]) -> str:
    more = f" (and {len(answers) - 1} other answers)" if len(answers) > 1 else ""
    return f"{answers[0].status}, {show_data(answers[0].data)}{more}"
