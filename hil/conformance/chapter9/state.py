"""SET and GET of configurations and interfaces (USB 2.0, 9.4.2, 9.4.4, 9.4.7, 9.4.10)."""

from __future__ import annotations

from wslusb.errors import DeviceError
from wslusb.usb.ids import DIR_IN
from wslusb.usb.setup import Recipient, Request, Setup
from wslusb.usb.urb import Status

from ..case import Cases
from ..subject import Failed, NotApplicable, Subject, expect, refused

__all__ = ["CASES", "get_configuration_value"]

CASES = Cases()


def get_configuration_value(subject: Subject) -> int:
    """GET_CONFIGURATION, one byte."""
    raw = subject.read(Setup(DIR_IN, Request.GET_CONFIGURATION, 0, 0, 1))
    expect(len(raw), 1, "bytes of GET_CONFIGURATION")
    return raw[0]


def _get_interface(number: int) -> Setup:
    return Setup(DIR_IN | Recipient.INTERFACE, Request.GET_INTERFACE, 0, number, 1)


@CASES.case("9.4.2, 9.4.7")
def configurations_one_after_the_other(subject: Subject) -> None:
    """Each configuration can be chosen, also twice, and GET_CONFIGURATION says which it is."""
    for value in [each.value for each in subject.configurations for _ in range(2)]:
        subject.configure(value)
        expect(get_configuration_value(subject), value, "GET_CONFIGURATION")


@CASES.case("9.4.7, 9.4.2, 9.4.4")
def no_configuration(subject: Subject) -> str:
    """SET_CONFIGURATION(0) leaves the device unconfigured: the value is 0, and its interfaces are gone."""
    number = subject.current.interfaces[0].number if subject.current.interfaces else 0
    subject.configure(0)
    expect(get_configuration_value(subject), 0, "GET_CONFIGURATION")
    status = subject.ask(_get_interface(number)).status
    if status == Status.OK:
        raise Failed(f"GET_INTERFACE of interface {number} is answered")
    subject.restore()
    expect(get_configuration_value(subject), subject.current.value, "GET_CONFIGURATION afterwards")
    if status == Status.STALL:
        return ""
    return "the system does not hand GET_INTERFACE to the device"  # usbfs: EHOSTUNREACH


@CASES.case("9.4.7, 9.2.7")
def configuration_that_does_not_exist(subject: Subject) -> None:
    """SET_CONFIGURATION with a value of no configuration is refused, and changes nothing."""
    values = {each.value for each in subject.configurations}
    before = get_configuration_value(subject)
    try:
        subject.configure(next(value for value in range(255, 0, -1) if value not in values))
    except DeviceError as error:
        if not refused(error):
            raise
    else:
        raise Failed("it was taken")
    expect(get_configuration_value(subject), before, "GET_CONFIGURATION afterwards")


@CASES.case("9.4.4, 9.4.10")
def alternate_settings(subject: Subject) -> str:
    """Each alternate setting can be chosen, and GET_INTERFACE says which it is."""
    count = 0
    for _, interface in subject.settings():
        raw = subject.read(_get_interface(interface.number))
        expect(list(raw), [interface.alternate], f"GET_INTERFACE of interface {interface.number}")
        count += 1
    return f"{count} settings"


@CASES.case("9.4.7")
def configuring_brings_back_the_defaults(subject: Subject) -> None:
    """SET_CONFIGURATION to the present value puts every interface back to alternate setting 0."""
    others = [each for each in subject.current.interfaces if each.alternate]
    if not others:
        raise NotApplicable("no interface has an alternate setting")
    subject.configure(subject.current.value)
    for interface in others:
        subject.choose(interface.number, interface.alternate)
        subject.configure(subject.current.value)
        raw = subject.read(_get_interface(interface.number))
        expect(list(raw), [0], f"GET_INTERFACE of interface {interface.number}")


@CASES.case("9.4.10, 9.2.7")
def alternate_setting_that_does_not_exist(subject: Subject) -> None:
    """SET_INTERFACE to a setting that is not described is refused, and changes nothing."""
    for number in dict.fromkeys(interface.number for interface in subject.current.interfaces):
        used = {each.alternate for each in subject.current.interfaces if each.number == number}
        try:
            subject.choose(number, next(value for value in range(255, 0, -1) if value not in used))
        except DeviceError as error:
            if not refused(error):
                raise
        else:
            raise Failed(f"interface {number} has taken it")
        expect(list(subject.read(_get_interface(number))), [0], f"GET_INTERFACE of interface {number}")


@CASES.case("9.4.4, 9.2.7")
def interface_that_does_not_exist(subject: Subject) -> None:
    """GET_INTERFACE of an interface that is not described is stalled."""
    subject.refuses(_get_interface(0x7F))
