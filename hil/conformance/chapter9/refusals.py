"""Requests that no device knows: they are stalled, and endpoint zero goes on (USB 2.0, 9.2.7, 8.5.3.4)."""

from __future__ import annotations

from wslusb.usb.ids import DIR_IN, DescriptorType
from wslusb.usb.setup import Request, RequestType, Setup
from wslusb.usb.urb import Status

from ..case import Cases
from ..subject import Failed, Subject, expect, get_descriptor, named

__all__ = ["CASES"]

CASES = Cases()

_RESERVED = (2, 4, 0x1F, 0xFE)
"""Numbers of standard requests that USB keeps for the future (table 9-4)."""
_RESERVED_TYPE = 0x60
_RESERVED_DESCRIPTORS = (0, 0x7F, 0xFF)


@CASES.case("9.2.7, 9.4")
def unknown_requests(subject: Subject) -> None:
    """Reserved standard requests are stalled, in either direction, and the next request is answered."""
    for request in _RESERVED:
        subject.refuses(Setup(DIR_IN, request, 0, 0, 8))
        subject.refuses(Setup(0x00, request, 0, 0, 0))


@CASES.case("9.2.7, 9.3.1")
def requests_of_the_reserved_type(subject: Subject) -> None:
    """Requests that are neither standard, class nor vendor are stalled."""
    subject.refuses(Setup(DIR_IN | _RESERVED_TYPE, 0, 0, 0, 8))


@CASES.case("9.2.7, 8.5.3.4")
def unknown_requests_with_data(subject: Subject) -> None:
    """A request that sends data is stalled, too, be it in its data or its status stage."""
    subject.refuses(Setup(0x00, _RESERVED[0], 0, 0, 64), bytes(64))


@CASES.case("9.4.3, 9.2.7")
def unknown_descriptors(subject: Subject) -> None:
    """Descriptor types that do not exist are stalled; interfaces and endpoints cannot be asked for by themselves."""
    for kind in (*_RESERVED_DESCRIPTORS, DescriptorType.INTERFACE, DescriptorType.ENDPOINT):
        subject.refuses(get_descriptor(kind, 64))


@CASES.case("8.5.3.4")
def stalls_in_a_row(subject: Subject) -> None:
    """Twenty stalls one after the other, and endpoint zero is still there."""
    for _ in range(20):
        result = subject.ask(Setup(DIR_IN, _RESERVED[0], 0, 0, 8))
        expect(Status(result.status).name, "STALL", "an unknown request")
    subject.answers()


@CASES.case("9.3.5")
def length_zero(subject: Subject) -> None:
    """With wLength 0 there is no data stage: nothing comes, and the request is not an error."""
    for setup in (get_descriptor(DescriptorType.DEVICE, 0), get_descriptor(DescriptorType.CONFIGURATION, 0)):
        result = subject.ask(setup)
        if result.status != Status.OK or result.data:
            raise Failed(f"{Status(result.status).name} and {len(result.data)} bytes for {named(setup)}")
    subject.answers()


@CASES.case("9.3.5, 9.4")
def answers_shorter_than_asked_for(subject: Subject) -> None:
    """Where 255 bytes are asked for, a request of fixed size brings its own size."""
    recipient_device = RequestType.STANDARD | DIR_IN
    for request, size in ((Request.GET_CONFIGURATION, 1), (Request.GET_STATUS, 2)):
        got = subject.read(Setup(recipient_device, request, 0, 0, 255))
        expect(len(got), size, f"bytes of {request.name}")
