"""Requests that came with USB 3: power timing and low-power states (USB 3.2, 9.4)."""

from __future__ import annotations

from wslusb.usb.setup import Recipient, Request, Setup

from ..case import Cases
from ..subject import NotApplicable, Subject, expect

__all__ = ["CASES"]

CASES = Cases()

_U1_ENABLE, _U2_ENABLE = 48, 49
_STATUS_BITS = {_U1_ENABLE: 1 << 2, _U2_ENABLE: 1 << 3}
_TIMES = bytes((10, 20, 0x64, 0, 0xC8, 0))
"""U1SEL, U1PEL in one byte each, U2SEL, U2PEL in two: microseconds."""


def _only_super(subject: Subject) -> None:
    if not subject.is_super:
        raise NotApplicable("a request of USB 3 to a device at a lower speed")


@CASES.case("USB 3.2, 9.4.12")
def exit_latencies(subject: Subject) -> None:
    """SET_SEL is taken, with its six bytes."""
    _only_super(subject)
    subject.write(Setup(Recipient.DEVICE, Request.SET_SEL, 0, 0, len(_TIMES)), _TIMES)
    subject.answers()


@CASES.case("USB 3.2, 9.4.11")
def isochronous_delay(subject: Subject) -> None:
    """SET_ISOCH_DELAY is taken, with 40 ns."""
    _only_super(subject)
    subject.write(Setup(Recipient.DEVICE, Request.SET_ISOCH_DELAY, 40, 0, 0))
    subject.answers()


@CASES.case("USB 3.2, 9.4.9, 9.4.5")
def low_power_states(subject: Subject) -> None:
    """U1 and U2 can be allowed and forbidden, and GET_STATUS shows it."""
    _only_super(subject)
    for feature, bit in _STATUS_BITS.items():
        for request, shown in ((Request.SET_FEATURE, bit), (Request.CLEAR_FEATURE, 0)):
            subject.write(Setup(Recipient.DEVICE, request, feature, 0, 0))
            expect(subject.status(Recipient.DEVICE) & bit, shown, f"status after {request.name} {feature}")


@CASES.case("USB 2.0, 9.2.7")
def requests_of_usb_3_at_lower_speeds(subject: Subject) -> None:
    """SET_SEL and SET_ISOCH_DELAY are unknown there, and stalled."""
    if subject.is_super:
        raise NotApplicable("the device is at SuperSpeed")
    subject.refuses(Setup(Recipient.DEVICE, Request.SET_SEL, 0, 0, len(_TIMES)), _TIMES)
    subject.refuses(Setup(Recipient.DEVICE, Request.SET_ISOCH_DELAY, 40, 0, 0))
