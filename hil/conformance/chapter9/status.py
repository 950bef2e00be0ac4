"""GET_STATUS of the device, its interfaces and its endpoints (USB 2.0, 9.4.5)."""

from __future__ import annotations

from wslusb.usb.ids import DIR_IN
from wslusb.usb.setup import Recipient, Request, Setup

from ..case import Cases
from ..subject import Failed, Subject, expect

__all__ = ["CASES", "unused_endpoint"]

CASES = Cases()

_SELF_POWERED = 1
_CAN_BE_SELF_POWERED = 0x40


def unused_endpoint(subject: Subject) -> int:
    """An address that no setting of any configuration has."""
    used = {e.address for c in subject.configurations for i in c.interfaces for e in i.endpoints}
    return next(address for number in range(15, 0, -1) for address in (0x80 | number, number) if address not in used)


@CASES.case("9.4.5")
def status_of_the_device(subject: Subject) -> str:
    """Two bytes: power, remote wakeup, and zeroes (with U1, U2 and LTM at SuperSpeed)."""
    status = subject.status(Recipient.DEVICE)
    if status & ~(0x1F if subject.is_super else 3):
        raise Failed(f"reserved bits are set: {status:#06x}")
    if status & 2 and not subject.is_super:
        raise Failed("remote wakeup is on though nobody has switched it on")
    if status & _SELF_POWERED and not subject.current.attributes & _CAN_BE_SELF_POWERED:
        raise Failed("it is self-powered; by bmAttributes it never is")
    return "self-powered" if status & _SELF_POWERED else "powered by the bus"


@CASES.case("9.4.5")
def status_of_interfaces(subject: Subject) -> None:
    """Two bytes of zeroes for each interface (at SuperSpeed, remote wakeup of the function)."""
    for _, interface in subject.settings():
        status = subject.status(Recipient.INTERFACE, interface.number)
        expect(status & ~(3 if subject.is_super else 0), 0, f"status of interface {interface.number}")


@CASES.case("9.4.5")
def status_of_endpoints(subject: Subject) -> None:
    """Two bytes of zeroes for endpoint zero and for each that the chosen settings have."""
    expect(subject.status(Recipient.ENDPOINT, 0), 0, "status of endpoint zero")
    for endpoint in subject.endpoints():
        expect(subject.status(Recipient.ENDPOINT, endpoint.address), 0, f"status of endpoint {endpoint.address:#04x}")


@CASES.case("9.4.5, 9.2.7")
def status_of_what_is_not_there(subject: Subject) -> None:
    """GET_STATUS of an endpoint or interface that does not exist is stalled."""
    subject.refuses(Setup(DIR_IN | Recipient.ENDPOINT, Request.GET_STATUS, 0, unused_endpoint(subject), 2))
    subject.refuses(Setup(DIR_IN | Recipient.INTERFACE, Request.GET_STATUS, 0, 0x7F, 2))
