"""Resets, and what a host does after them (USB 2.0, 9.1.1, 9.1.2, 7.1.7.5)."""

from __future__ import annotations

from wslusb.usb.ids import DescriptorType
from wslusb.usb.setup import Recipient, Request, Setup

from ..case import Cases
from ..subject import Failed, Subject, expect
from .state import get_configuration_value

__all__ = ["CASES"]

CASES = Cases()

_REMOTE_WAKEUP = 1
_CAN_WAKE = 0x20


@CASES.case("9.1.1.3, 9.1.1.5")
def reset(subject: Subject) -> str:
    """After a reset no configuration is chosen, unless the host's system has chosen it again, and no feature is set."""
    if subject.current.attributes & _CAN_WAKE and not subject.is_super:
        subject.write(Setup(Recipient.DEVICE, Request.SET_FEATURE, _REMOTE_WAKEUP, 0, 0))
    subject.reset()
    value = get_configuration_value(subject)
    if value not in {0, subject.current.value}:
        raise Failed(f"configuration {value} after a reset")
    expect(subject.status(Recipient.DEVICE) & 2, 0, "remote wakeup after a reset")
    subject.restore()
    expect(get_configuration_value(subject), subject.current.value, "configuration")
    return "the system configures it again" if value else "unconfigured"


@CASES.case("9.1.2")
def enumeration_again_and_again(subject: Subject) -> str:
    """Reset, descriptors as hosts read them, configuration: the same each time."""
    info = subject.device.info
    for _ in range(subject.repeats):
        subject.reset()
        expect(subject.descriptor(DescriptorType.DEVICE, 8), info.device_descriptor[:8], "first 8 bytes")
        expect(subject.descriptor(DescriptorType.DEVICE, 18), info.device_descriptor, "device descriptor")
        for index, kept in enumerate(info.configurations):
            expect(subject.whole(DescriptorType.CONFIGURATION, index), kept, f"configuration {index}")
        subject.restore()
        expect(get_configuration_value(subject), subject.current.value, "configuration")
    return f"{subject.repeats} times"
