"""Cases 13 and 29: halts set and cleared, and what that does to data toggles."""

from __future__ import annotations

from wslusb.usb.descriptors import Endpoint
from wslusb.usb.ids import TransferType
from wslusb.usb.setup import Recipient, Request, Setup
from wslusb.usb.urb import Status

from ..case import Cases
from ..subject import NotApplicable, Subject, expect
from .pipes import PARAMETERS, pipes
from .transfers import one, zeroes

__all__ = ["CASES"]

CASES = Cases()

_HALT = 0


@CASES.case("usbtest", "13")
def halts(subject: Subject) -> None:
    """Bulk endpoints halted and cleared: data flow before and after, and stall between."""
    pair = pipes(subject, TransferType.BULK)
    for _ in range(PARAMETERS.iterations):
        for endpoint in filter(None, (pair.source, pair.sink)):
            _halt_and_clear(subject, endpoint)


def _halt_and_clear(subject: Subject, endpoint: Endpoint) -> None:
    length, name = 1024 if subject.is_super else 512, f"status of endpoint {endpoint.address:#04x}"
    expect(subject.status(Recipient.ENDPOINT, endpoint.address), 0, name)
    one(subject, endpoint, length)
    subject.write(Setup(Recipient.ENDPOINT, Request.SET_FEATURE, _HALT, endpoint.address, 0))
    try:
        expect(subject.status(Recipient.ENDPOINT, endpoint.address), 1, name)
        for _ in range(2):
            result = subject.transfer(zeroes(endpoint, length))
            expect(Status(result.status).name, "STALL", "a transfer to a halted endpoint")
    finally:
        subject.device.clear_halt(endpoint.address)
    expect(subject.status(Recipient.ENDPOINT, endpoint.address), 0, name)
    one(subject, endpoint, length)


@CASES.case("usbtest", "29")
def toggles(subject: Subject) -> None:
    """Halts cleared between writes of an odd number of packets: both sides start again with DATA0."""
    sink = pipes(subject, TransferType.BULK).sink
    if sink is None:
        raise NotApplicable("no bulk OUT endpoint")
    for _ in range(PARAMETERS.iterations):
        for _ in range(2):
            subject.device.clear_halt(sink.address)
            one(subject, sink, 2 * sink.max_packet_size)  # and an empty packet
