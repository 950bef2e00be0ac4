"""All descriptors that a device gives when it is asked, and those that its system keeps."""

from __future__ import annotations

from typing import Any

from hil.conformance.subject import Failed, Subject, expect
from wslusb.usb.ids import DescriptorType

from .opened import opened

__all__ = ["run"]

_ENGLISH = 0x0409
_DEVICE_SIZE = 18


def run(target: str, busid: str) -> dict[str, Any]:
    """In hexadecimal: ``device``, ``configurations``, ``bos``, ``strings`` (None where the device stalls)."""
    with opened(target, busid) as device:
        subject = Subject(device)
        raw = subject.descriptor(DescriptorType.DEVICE, _DEVICE_SIZE)
        expect(len(raw), _DEVICE_SIZE, "bytes of the device descriptor")
        expect(subject.descriptor(DescriptorType.DEVICE, _DEVICE_SIZE), raw, "the device descriptor, read again")
        return {
            "speed": device.info.speed.name.lower(),
            "known": device.info.device_descriptor.hex(),
            "device": raw.hex(),
            "configurations": [subject.whole(DescriptorType.CONFIGURATION, n).hex() for n in range(raw[17])],
            "bos": _bos(subject),
            "strings": {str(index): _string(subject, index) for index in (0, *sorted(set(raw[14:17]) - {0}))},
        }


def _bos(subject: Subject) -> str | None:
    try:
        return subject.whole(DescriptorType.BOS).hex()
    except Failed:
        return None


def _string(subject: Subject, index: int) -> str | None:
    try:
        return subject.descriptor(DescriptorType.STRING, 255, index, _ENGLISH if index else 0).hex()
    except Failed:
        return None
