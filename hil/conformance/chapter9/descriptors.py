"""Device and configuration descriptors: whole, cut short at every edge, and consistent among themselves."""

from __future__ import annotations

from collections.abc import Iterable

from wslusb.usb.ids import DescriptorType

from ..case import Case, Cases
from ..rules import CONFIGURATION_RULES, Rule, device_rules
from ..subject import CONTROL_LIMIT, Failed, NotApplicable, Subject, expect, get_descriptor

__all__ = ["CASES"]

CASES = Cases()

_DEVICE_SIZE, _HEADER = 18, 9
_EDGES = (1, 2, 7, 8, 9, 63, 64, 65, 255, 256, 512)


def read_at_edges(subject: Subject, kind: int, whole: bytes, index: int = 0, language: int = 0) -> None:
    """Every wLength brings the first so many bytes, and never more than there are (USB 2.0, 9.4.3)."""
    size = len(whole)
    for length in sorted({*_EDGES, size - 1, size, size + 1, CONTROL_LIMIT} - {0}):
        got = subject.descriptor(kind, length, index, language)
        expect(got, whole[:length], f"descriptor {kind} number {index} with wLength {length}")


def broken(found: Iterable[str]) -> None:
    """Failed with all that is wrong."""
    if problems := list(found):
        raise Failed("; ".join(problems))


@CASES.case("9.6.1")
def device_descriptor(subject: Subject) -> None:
    """18 bytes, whose fields fit each other and the speed."""
    raw = subject.descriptor(DescriptorType.DEVICE, _DEVICE_SIZE)
    expect(len(raw), _DEVICE_SIZE, "bytes")
    expect(raw[:2], bytes((_DEVICE_SIZE, DescriptorType.DEVICE)), "bLength and bDescriptorType")
    broken(device_rules(subject.device_descriptor(), subject.speed))


@CASES.case("9.4.3")
def device_descriptor_cut_short(subject: Subject) -> None:
    """Every wLength from 1 to far beyond the end brings what there is, and no more."""
    read_at_edges(subject, DescriptorType.DEVICE, subject.descriptor(DescriptorType.DEVICE, _DEVICE_SIZE))


@CASES.case("9.6.3")
def configuration_descriptors(subject: Subject) -> None:
    """For each index, 9 bytes promise a wTotalLength, and so many bytes come, however many more are asked for."""
    for index in range(subject.configuration_count):
        header = subject.descriptor(DescriptorType.CONFIGURATION, _HEADER, index)
        expect(header[:2], bytes((_HEADER, DescriptorType.CONFIGURATION)), "bLength and bDescriptorType")
        total = int.from_bytes(header[2:4], "little")
        whole = subject.descriptor(DescriptorType.CONFIGURATION, min(total, CONTROL_LIMIT), index)
        expect(len(whole), min(total, CONTROL_LIMIT), f"bytes of configuration {index} by its wTotalLength")
        if total < CONTROL_LIMIT:
            more = subject.descriptor(DescriptorType.CONFIGURATION, CONTROL_LIMIT, index)
            expect(more, whole, f"configuration {index} with a longer wLength")


@CASES.case("9.4.3")
def configuration_descriptors_cut_short(subject: Subject) -> None:
    """Every wLength from 1 to far beyond the end brings what there is, and no more."""
    for index in range(subject.configuration_count):
        whole = subject.whole(DescriptorType.CONFIGURATION, index)
        read_at_edges(subject, DescriptorType.CONFIGURATION, whole, index)


@CASES.case("9.4.3, 9.2.7")
def configuration_index_beyond_the_last(subject: Subject) -> None:
    """There is no configuration bNumConfigurations, nor number 255: both requests are stalled."""
    for index in (subject.configuration_count, 0xFF):
        subject.refuses(get_descriptor(DescriptorType.CONFIGURATION, _HEADER, index))


@CASES.case("9.6.3")
def configuration_values(subject: Subject) -> None:
    """No two configurations have the same bConfigurationValue."""
    values = [configuration.value for configuration in subject.configurations]
    expect(len(set(values)), len(values), f"different values among {values}")


def _add_rule(name: str, source: str, rule: Rule) -> None:
    def check(subject: Subject) -> None:
        broken(problem for each in subject.configurations for problem in rule(each, subject.speed))

    reason = (rule.__doc__ or "").partition("\n")[0].partition(": ")[2]
    CASES.append(Case(name, source, reason[0].upper() + reason[1:], check))


for _name, (_source, _rule) in CONFIGURATION_RULES.items():
    _add_rule(_name, _source, _rule)


@CASES.case("9.6")
def descriptors_do_not_change(subject: Subject) -> None:
    """Read again and again, descriptors are the same, and those that the host's system has kept."""
    info = subject.device.info
    for _ in range(subject.repeats):
        raw = subject.descriptor(DescriptorType.DEVICE, _DEVICE_SIZE)
        expect(raw, info.device_descriptor, "device descriptor")
        for index, kept in enumerate(info.configurations):
            expect(subject.whole(DescriptorType.CONFIGURATION, index), kept, f"configuration {index}")


@CASES.case("9.6.2")
def device_qualifier(subject: Subject) -> str | None:
    """At high speed it tells of full speed, in 10 bytes; a device without high speed stalls it, as SuperSpeed does."""
    setup = get_descriptor(DescriptorType.DEVICE_QUALIFIER, 10)
    if subject.speed.name != "HIGH":
        if subject.stalls(setup):
            subject.answers()
            return "stalled"
        if subject.is_super or subject.speed.name == "LOW":
            raise Failed(f"a device at {subject.speed.name.lower()} speed has a qualifier")
    raw, device = subject.read(setup), subject.descriptor(DescriptorType.DEVICE, _DEVICE_SIZE)
    expect(len(raw), 10, "bytes")
    expect(raw[:2], bytes((10, DescriptorType.DEVICE_QUALIFIER)), "bLength and bDescriptorType")
    expect(raw[2:4], device[2:4], "bcdUSB")
    expect(raw[9], 0, "bReserved")
    read_at_edges(subject, DescriptorType.DEVICE_QUALIFIER, raw)
    return None


@CASES.case("9.6.4")
def other_speed_configurations(subject: Subject) -> None:
    """Each that the qualifier counts is a configuration with another type byte."""
    setup = get_descriptor(DescriptorType.DEVICE_QUALIFIER, 10)
    if subject.stalls(setup):
        subject.refuses(get_descriptor(DescriptorType.OTHER_SPEED_CONFIGURATION, _HEADER))
        raise NotApplicable("the device has one speed, and stalls the request")
    qualifier = subject.read(setup)
    expect(len(qualifier), 10, "bytes of the qualifier")
    for index in range(qualifier[8]):
        raw = subject.whole(DescriptorType.OTHER_SPEED_CONFIGURATION, index)
        expect(raw[:2], bytes((_HEADER, DescriptorType.OTHER_SPEED_CONFIGURATION)), "bLength and bDescriptorType")
        expect(len(raw), int.from_bytes(raw[2:4], "little"), "bytes by wTotalLength")
        read_at_edges(subject, DescriptorType.OTHER_SPEED_CONFIGURATION, raw, index)
