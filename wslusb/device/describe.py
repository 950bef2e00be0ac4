"""All that a device says of itself, asked for without changing anything: what ``wslusb describe`` writes down.

Only GET_DESCRIPTOR is used. What the device or its system does not give is kept as a sentence in ``unread``, never
made up.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from ..errors import DeviceError
from ..usb.descriptors import Configuration, DeviceDescriptor
from ..usb.hid import REPORT, report_length
from ..usb.ids import ClassCode, DescriptorType, Speed
from ..usb.info import DeviceInfo
from ..usb.setup import Request, Setup
from ..usb.urb import Status

__all__ = ["Ask", "Description", "describe"]

Ask = Callable[[Setup], bytes]
"""Makes a control IN request. DeviceError if the device, or its system, refuses."""

_TO_DEVICE, _TO_INTERFACE = 0x80, 0x81
_USB_2_01 = 0x0201  # the first bcdUSB with a BOS (USB 3.2, 9.6.2)
_MOST = 4096  # what libusb passes of a control transfer
_STRING_LENGTH = 255
_LANGUAGES_LIMIT = 16
_BEYOND = 32
"""How many strings are looked for after the last one that a standard descriptor refers to; the first gap ends it."""
_OS_STRING = 0xEE  # "Microsoft OS 1.0 Descriptors": asked for by Windows of every device, so it does no harm


@dataclass(slots=True)
class Description:
    """What was read. ``strings`` are whole descriptors by language and index, ``languages`` is string descriptor 0.

    ``qualifier`` and ``other_speeds``: None where they were not asked for, empty where the device stalls the request.
    ``texts`` are strings that only the system knows, by index. ``hid_reports`` are by interface number.
    """

    info: DeviceInfo
    device: bytes
    configurations: tuple[bytes, ...]
    bos: bytes = b""
    languages: bytes | None = None
    strings: dict[tuple[int, int], bytes] = field(default_factory=dict)
    texts: dict[int, str] = field(default_factory=dict)
    qualifier: bytes | None = None
    other_speeds: tuple[bytes, ...] | None = None
    hid_reports: dict[int, bytes] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)


def describe(info: DeviceInfo, ask: Ask | None, known_reports: Mapping[int, bytes] | None = None) -> Description:
    """Read a device. ``ask`` is None where nobody may talk to it; ``known_reports`` is what the system has of HID.

    DeviceError if the device goes away.
    """
    found = Description(
        info, info.device_descriptor, info.configurations, info.bos, hid_reports=dict(known_reports or {})
    )
    if ask is None:
        _only_from_the_system(found)
        return found
    reader = _Reader(found, ask)
    reader.strings()
    reader.bos()
    reader.other_speed()
    reader.hid_reports()
    return found


def _only_from_the_system(found: Description) -> None:
    device, info = DeviceDescriptor.unpack(found.device), found.info
    named = {
        device.manufacturer: info.manufacturer, device.product_string: info.product_name, device.serial: info.serial,
    }  # fmt: skip
    found.texts = {index: text for index, text in named.items() if index and text}
    found.unread.append("the device itself was not asked: strings other than manufacturer, product and serial number")
    missing = [number for number, _ in _hid_interfaces(found) if number not in found.hid_reports]
    found.unread += [f"the HID report descriptor of interface {number}" for number in missing]


class _Reader:
    """Fills in a description, request by request."""

    def __init__(self, found: Description, ask: Ask) -> None:
        self._found = found
        self._ask = ask

    def _get(self, kind: int, index: int, language: int, length: int, what: str = "") -> bytes | None:
        """A descriptor of the device; b"" where it stalls. None where it cannot be asked, which is noted."""
        return self._request(Setup(_TO_DEVICE, Request.GET_DESCRIPTOR, kind << 8 | index, language, length), what)

    def _request(self, setup: Setup, what: str) -> bytes | None:
        try:
            return self._ask(setup)
        except DeviceError as error:
            if error.status == Status.GONE:
                raise
            if what:
                self._found.unread.append(f"{what}: {_reason(error)}")
            return b"" if error.status == Status.STALL else None

    # -- strings

    def strings(self) -> None:
        """The languages, and in each the strings that there are."""
        found, used = self._found, sorted(_used_strings(self._found))
        languages = self._get(DescriptorType.STRING, 0, 0, _STRING_LENGTH, "the list of languages" if used else "")
        if not languages:
            return
        found.languages = languages
        numbers = [number for (number,) in struct.iter_unpack("<H", languages[2 : len(languages) & ~1])]
        for language in numbers[:_LANGUAGES_LIMIT]:
            self._strings_of(language, used)
        found.unread += [f"strings of language {number:#06x}" for number in numbers[_LANGUAGES_LIMIT:]]
        if os_string := self._get(DescriptorType.STRING, _OS_STRING, 0, _STRING_LENGTH):
            found.strings[0, _OS_STRING] = os_string

    def _strings_of(self, language: int, used: list[int]) -> None:
        last = used[-1] if used else 0
        for index in range(1, min(last + _BEYOND, 0xFF) + 1):
            what = f"string {index} of language {language:#06x}" if index in used else ""
            text = self._get(DescriptorType.STRING, index, language, _STRING_LENGTH, what)
            if text:
                self._found.strings[language, index] = text
            elif index > last:
                break

    # -- the rest of the device

    def bos(self) -> None:
        """The binary object store, if the system has not read it and the device is of a version that has one."""
        found = self._found
        if found.bos or DeviceDescriptor.unpack(found.device).bcd_usb < _USB_2_01:
            return
        header = self._get(DescriptorType.BOS, 0, 0, 5, "the binary object store")
        if header and len(header) >= 4:
            total = min(int.from_bytes(header[2:4], "little"), _MOST)
            found.bos = self._get(DescriptorType.BOS, 0, 0, total, "the binary object store") or b""

    def other_speed(self) -> None:
        """What the device would be at full speed if it is at high speed, and the other way round."""
        found = self._found
        if found.info.speed not in (Speed.FULL, Speed.HIGH):
            return
        found.qualifier = self._get(DescriptorType.DEVICE_QUALIFIER, 0, 0, 10)
        if found.qualifier is None:
            found.unread.append("the device qualifier")
            return
        count = found.qualifier[8] if len(found.qualifier) > 8 else 0
        found.other_speeds = tuple(self._other_speed(index) for index in range(count))

    def _other_speed(self, index: int) -> bytes:
        kind, what = DescriptorType.OTHER_SPEED_CONFIGURATION, f"configuration {index} of the other speed"
        header = self._get(kind, index, 0, 9, what)
        if not header or len(header) < 4:
            return b""
        return self._get(kind, index, 0, min(int.from_bytes(header[2:4], "little"), _MOST), what) or b""

    def hid_reports(self) -> None:
        """The report descriptors of the active configuration's interfaces, where the system has not read them."""
        found = self._found
        for number, length in _hid_interfaces(found):
            if number in found.hid_reports:
                continue
            what = f"the HID report descriptor of interface {number}"
            setup = Setup(_TO_INTERFACE, Request.GET_DESCRIPTOR, REPORT << 8, number, min(length, _MOST))
            if report := self._request(setup, what):
                found.hid_reports[number] = report


def _reason(error: DeviceError) -> str:
    return "the device stalls the request" if error.status == Status.STALL else str(error)


def _used_strings(found: Description) -> set[int]:
    """The indices that standard descriptors refer to."""
    device = DeviceDescriptor.unpack(found.device)
    used = {device.manufacturer, device.product_string, device.serial}
    for configuration in Configuration.readable(found.configurations):
        used.add(configuration.string)
        for interface in configuration.interfaces:
            used.add(interface.string)
            if interface.association:
                used.add(interface.association.string)
    return used - {0}


def _hid_interfaces(found: Description) -> Iterator[tuple[int, int]]:
    """HID interfaces of the active configuration (the first, if none is), and how long their report descriptors are."""
    configurations = Configuration.readable(found.configurations)
    active = next((each for each in configurations if each.value == found.info.active_configuration), None)
    if active is None and not found.info.active_configuration:
        active = next(iter(configurations), None)
    for interface in active.interfaces if active else ():
        if interface.interface_class == ClassCode.HID and (length := report_length(interface.extra)):
            yield interface.number, length
