"""SET_FEATURE and CLEAR_FEATURE: halted endpoints, remote wakeup, and features that do not exist (9.4.1, 9.4.9)."""

from __future__ import annotations

from collections.abc import Iterator

from wslusb.usb.descriptors import Endpoint
from wslusb.usb.ids import TransferType, is_in
from wslusb.usb.setup import Recipient, Request, Setup
from wslusb.usb.urb import Status, Urb, UrbFlag

from ..case import Cases
from ..subject import Failed, NotApplicable, Subject, expect
from .status import unused_endpoint

__all__ = ["CASES"]

CASES = Cases()

_ENDPOINT_HALT, _REMOTE_WAKEUP = 0, 1
_CAN_WAKE = 0x20
_UNKNOWN = 0x55
_NAK_SECONDS = 0.03
"""An endpoint that has said nothing for so long has nothing to say, and is not halted."""


def _feature(request: Request, recipient: Recipient, selector: int, index: int = 0) -> Setup:
    return Setup(recipient, request, selector, index, 0)


def _halting(subject: Subject) -> Iterator[Endpoint]:
    """Every bulk and interrupt endpoint of every setting. NotApplicable if there is none."""
    found = False
    for endpoint in subject.endpoints():
        if endpoint.transfer in {TransferType.BULK, TransferType.INTERRUPT}:
            found = True
            yield endpoint
    if not found:
        raise NotApplicable("no endpoint can be halted")


def _halt(subject: Subject, endpoint: Endpoint) -> None:
    subject.write(_feature(Request.SET_FEATURE, Recipient.ENDPOINT, _ENDPOINT_HALT, endpoint.address))


def _halted(subject: Subject, endpoint: Endpoint) -> int:
    return subject.status(Recipient.ENDPOINT, endpoint.address)


def _try(subject: Subject, endpoint: Endpoint, seconds: float) -> int:
    """One packet; the status."""
    size = max(1, endpoint.packet_size)
    data = b"" if is_in(endpoint.address) else bytes(size)
    urb = Urb(0, endpoint.address, endpoint.transfer, size, UrbFlag.SHORT_OK, data, interval=8)
    return subject.transfer(urb, seconds).status


@CASES.case("9.4.5, 9.4.9, 5.8.5")
def halted_endpoints(subject: Subject) -> str:
    """Every bulk and interrupt endpoint can be halted: its status says so, and every transfer stalls until cleared."""
    count = 0
    for endpoint in _halting(subject):
        name, count = f"endpoint {endpoint.address:#04x}", count + 1
        expect(_halted(subject, endpoint), 0, f"status of {name} at first")
        _halt(subject, endpoint)
        try:
            expect(_halted(subject, endpoint), 1, f"status of {name} when halted")
            for _ in range(2):
                expect(Status(_try(subject, endpoint, subject.seconds)).name, "STALL", f"transfer to halted {name}")
        finally:
            subject.device.clear_halt(endpoint.address)
        expect(_halted(subject, endpoint), 0, f"status of {name} when cleared")
        if is_in(endpoint.address) and _try(subject, endpoint, _NAK_SECONDS) == Status.STALL:
            raise Failed(f"{name} stalls though its halt was cleared")
    return f"{count} endpoints"


@CASES.case("9.4.5")
def halts_end_with_set_configuration(subject: Subject) -> None:
    """SET_CONFIGURATION, also to the present value, clears every halt."""
    for endpoint in _halting(subject):
        _halt(subject, endpoint)
    subject.configure(subject.current.value)
    for interface in subject.current.interfaces:
        for endpoint in interface.endpoints if not interface.alternate else ():
            expect(_halted(subject, endpoint), 0, f"status of endpoint {endpoint.address:#04x}")


@CASES.case("9.4.5")
def halts_end_with_set_interface(subject: Subject) -> None:
    """SET_INTERFACE, also to the present setting, clears the halts of the interface."""
    numbers = [interface.number for interface in subject.current.interfaces]
    settings = [each for each in subject.current.interfaces if numbers.count(each.number) > 1]
    tried = False
    for setting in settings:
        subject.choose(setting.number, setting.alternate)
        for endpoint in setting.endpoints:
            if endpoint.transfer in {TransferType.BULK, TransferType.INTERRUPT}:
                tried = True
                _halt(subject, endpoint)
                subject.choose(setting.number, setting.alternate)
                expect(_halted(subject, endpoint), 0, f"status of endpoint {endpoint.address:#04x}")
    if not tried:
        raise NotApplicable("no endpoint that can be halted is in an interface with alternate settings")


@CASES.case("9.4.9, 8.5.3.4")
def halt_of_an_endpoint_that_is_not_there(subject: Subject) -> None:
    """SET_FEATURE(ENDPOINT_HALT) is refused for an endpoint that no setting has."""
    subject.refuses(_feature(Request.SET_FEATURE, Recipient.ENDPOINT, _ENDPOINT_HALT, unused_endpoint(subject)))


@CASES.case("9.4.1, 9.4.9, 9.6.3")
def remote_wakeup(subject: Subject) -> str:
    """It can be switched on and off where bmAttributes promises it, and nowhere else."""
    if subject.is_super:
        raise NotApplicable("at SuperSpeed functions wake their host, not devices")
    said = []
    for configuration in subject.configurations:
        subject.configure(configuration.value)
        can = bool(configuration.attributes & _CAN_WAKE)
        _switch_remote_wakeup(subject, can)
        said.append("on and off" if can else "stalled")
    return ", ".join(said)


def _switch_remote_wakeup(subject: Subject, can: bool) -> None:
    switch_on = _feature(Request.SET_FEATURE, Recipient.DEVICE, _REMOTE_WAKEUP)
    if not can:
        subject.refuses(switch_on)
        return
    subject.write(switch_on)
    expect(subject.status(Recipient.DEVICE) & 2, 2, "remote wakeup in the status")
    subject.write(_feature(Request.CLEAR_FEATURE, Recipient.DEVICE, _REMOTE_WAKEUP))
    expect(subject.status(Recipient.DEVICE) & 2, 0, "remote wakeup in the status")


@CASES.case("9.4.1, 9.4.9, 9.2.7")
def features_that_do_not_exist(subject: Subject) -> None:
    """Selectors of no feature are stalled, for the device, an interface and an endpoint."""
    interfaces = subject.current.interfaces
    targets = [(Recipient.DEVICE, 0), (Recipient.ENDPOINT, 0)]
    targets += [(Recipient.INTERFACE, interfaces[0].number)] if interfaces else []
    for recipient, index in targets:
        for request in (Request.SET_FEATURE, Request.CLEAR_FEATURE):
            subject.refuses(_feature(request, recipient, _UNKNOWN, index))
