"""String descriptors, in every language that the device lists."""

from __future__ import annotations

from wslusb.usb.ids import DescriptorType

from ..case import Cases
from ..subject import Failed, NotApplicable, Subject, expect, get_descriptor
from .descriptors import read_at_edges

__all__ = ["CASES"]

CASES = Cases()

_LONGEST = 255
_MICROSOFT = 0xEE
"""An index that Windows asks every device for: some answer though they do not use it."""


def _indices(subject: Subject) -> list[int]:
    device = subject.device_descriptor()
    found = {device.manufacturer, device.product_string, device.serial}
    for configuration in subject.configurations:
        found |= {configuration.string, *(interface.string for interface in configuration.interfaces)}
    return sorted(found - {0})


def _languages(subject: Subject) -> list[int]:
    if not _indices(subject):
        raise NotApplicable("no descriptor has a string")
    raw = subject.descriptor(DescriptorType.STRING, _LONGEST)
    found = [int.from_bytes(raw[at : at + 2], "little") for at in range(2, len(raw) - 1, 2)]
    if not found or 0 in found:
        raise Failed(f"the languages are {found}")
    return found


@CASES.case("9.6.7")
def languages(subject: Subject) -> str:
    """String 0 lists one or more languages."""
    found = _languages(subject)
    raw = subject.descriptor(DescriptorType.STRING, _LONGEST)
    expect(raw[:2], bytes((2 + 2 * len(found), DescriptorType.STRING)), "bLength and bDescriptorType")
    expect(len(raw), raw[0], "bytes by bLength")
    read_at_edges(subject, DescriptorType.STRING, raw)
    return ", ".join(f"{language:#06x}" for language in found)


@CASES.case("9.6.7")
def strings(subject: Subject) -> str:
    """Every string that a descriptor names is there in every language, and is sound UTF-16."""
    found = _indices(subject)
    for language in _languages(subject):
        for index in found:
            raw = subject.descriptor(DescriptorType.STRING, _LONGEST, index, language)
            expect(len(raw) and raw[0], len(raw), f"bLength of string {index}")
            if len(raw) < 2 or raw[1] != DescriptorType.STRING or len(raw) % 2:
                raise Failed(f"string {index} is {raw[:16].hex() or 'empty'}, {len(raw)} bytes")
            try:
                raw[2:].decode("utf-16-le")
            except UnicodeDecodeError as error:
                raise Failed(f"string {index}: {error.reason}") from error
    return f"{len(found)} strings"


@CASES.case("9.4.3")
def strings_cut_short(subject: Subject) -> None:
    """Every wLength from 1 to far beyond the end brings what there is, and no more."""
    language = _languages(subject)[0]
    for index in _indices(subject):
        raw = subject.descriptor(DescriptorType.STRING, _LONGEST, index, language)
        read_at_edges(subject, DescriptorType.STRING, raw, index, language)


@CASES.case("9.4.3, 9.2.7")
def string_index_that_no_descriptor_names(subject: Subject) -> None:
    """A string that does not exist is stalled."""
    language = _languages(subject)[0]
    index = next(number for number in range(_LONGEST, 0, -1) if number not in {_MICROSOFT, *_indices(subject)})
    subject.refuses(get_descriptor(DescriptorType.STRING, _LONGEST, index, language))
