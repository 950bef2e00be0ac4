"""What is known of one device, and so how its bytes are to be treated: its descriptors, given or gone by.

What is seen is added to what was known, never taken away: where two descriptions of an endpoint disagree (a bus
address that was used twice), its bytes are blanked.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator

from ..errors import LocalError
from ..usb.descriptors import Configuration, DeviceDescriptor, Interface
from ..usb.hid import report_length
from ..usb.ids import ClassCode, TransferType
from ..usb.info import DeviceInfo
from .secrets import Secrets
from .store import container_ids, serial_strings
from .treatments import (
    BulkOnly,
    Treatment,
    blank,
    ccid,
    keep,
    keyboard,
    mouse,
    notification,
    uas_command,
    uas_status,
)  # fmt: skip

__all__ = ["Known"]

_BOOT = 1
_KEYBOARD, _MOUSE = 1, 2
_SCSI, _BULK_ONLY, _UAS = 6, 0x50, 0x62
_PIPE_USAGE, _COMMAND_PIPE, _STATUS_PIPE = 0x24, 1, 2
_CLASS_SPECIFIC, _ETHERNET = 0x24, 0x0F
_MICROSOFT_CONTAINER_HEAD = bytes.fromhex("1800000000010600")
"""Length, version 1.0, index 6."""
_HARMLESS_PAGES = frozenset({0x01, 0x02, 0x03, 0x04, 0x05, 0x08, 0x09, 0x0A, 0x0C, 0x0F})
"""Usage pages of pointers, game controllers, lamps, buttons and loudness (HUT 1.12, table 1). Not there: numbers of
wireless devices (6), keys (7), telephony (0x0B), digitizers, bar codes, magnetic stripes, security keys (0xF1D0), and
what vendors made up."""


class _Report(enum.Enum):
    HARMLESS = enum.auto()
    PRIVATE = enum.auto()


class Known:
    """One device. ``keep_vendor``: the bytes of vendor-specific interfaces and requests are not blanked."""

    def __init__(self, secrets: Secrets, *, keep_vendor: bool = False) -> None:
        self.secrets = secrets
        self.keep_vendor = keep_vendor
        self.serials: set[int] = set()
        """Indices of strings that are serial numbers, or hardware addresses."""
        self._configurations_to_come: int | None = None
        self._configurations: set[bytes] = set()
        self._interfaces: dict[tuple[int, int, int], Interface] = {}
        self._reports: dict[int, _Report] = {}
        self._features: set[int] = set()
        self._treatments: dict[int, Treatment] = {}
        self._bulk_only: dict[int, BulkOnly] = {}
        self._strings: dict[int, set[str]] = {}

    def learn_info(self, info: DeviceInfo) -> None:
        """All that a host tells of a device."""
        self.secrets.add_text(info.serial)
        self.learn_device(info.device_descriptor)
        for configuration in info.configurations:
            self.learn_configuration(configuration)
        self.learn_bos(info.bos)

    def learn_device(self, data: bytes) -> None:
        """A device descriptor; nothing where it is not whole."""
        try:
            descriptor = DeviceDescriptor.unpack(data)
        except LocalError:
            return
        self._configurations_to_come = descriptor.configuration_count
        self._is_serial(descriptor.serial)

    def learn_configuration(self, data: bytes) -> None:
        """A configuration, or the start of one."""
        try:
            configuration = Configuration.unpack(data, keep_rest=True)
        except LocalError:
            return
        if (configuration.total_length or 0) <= len(data):
            self._configurations.add(bytes(data))
        for each in configuration.interfaces:
            place = (configuration.value, each.number, each.alternate)
            before = self._interfaces.get(place)
            if before is None or len(each.endpoints) >= len(before.endpoints):
                self._interfaces[place] = each
            for extra in each.extra:
                if extra[1:3] == bytes((_CLASS_SPECIFIC, _ETHERNET)) and len(extra) > 3:
                    self._is_serial(extra[3])
        self._treatments.clear()

    @property
    def described(self) -> bool:
        """Whether all descriptors that name strings have been seen, so that :attr:`serials` can be relied on."""
        return self._configurations_to_come is not None and len(self._configurations) >= self._configurations_to_come

    def _is_serial(self, index: int) -> None:
        if index:
            self.serials.add(index)
            for text in self._strings.get(index, ()):
                self.secrets.add_text(text)

    def learn_string(self, index: int, text: str) -> None:
        """A string; that it is a secret may turn out later."""
        self._strings.setdefault(index, set()).add(text)
        if index in self.serials:
            self.secrets.add_text(text)

    def learn_bos(self, data: bytes) -> None:
        """A binary object store: its container id is a secret, and so is the serial number of a battery."""
        for value in container_ids(data):
            self.secrets.add_bytes(value)
        for index in serial_strings(data):
            self._is_serial(index)

    def learn_microsoft_container(self, data: bytes) -> None:
        """An answer that may be a container id as Microsoft OS Descriptors 1.0 have it."""
        if data[:8] == _MICROSOFT_CONTAINER_HEAD and len(data) >= 24:
            self.secrets.add_bytes(data[8:24])

    def learn_report(self, interface: int, data: bytes, *, whole: bool = True) -> None:
        """The report descriptor of a HID interface. Where it is not ``whole``, the rest may name anything."""
        harmless = data and set(_usage_pages(data)) <= _HARMLESS_PAGES
        if not harmless:
            self._reports[interface] = _Report.PRIVATE
        elif whole:
            self._reports.setdefault(interface, _Report.HARMLESS)
            if _has_features(data):
                self._features.add(interface)
        self._treatments.clear()

    def report_length(self, interface: int) -> int | None:
        """How long the HID descriptor says that is; None where there is none."""
        lengths = [report_length(each.extra) for each in self.interfaces(interface)]
        return max(lengths, default=0) or None

    def rewind(self) -> None:
        """The transfers begin anew; what the device is stays known."""
        self._treatments.clear()
        self._bulk_only.clear()

    # -- what follows from it

    def interfaces(self, number: int) -> list[Interface]:
        """All settings of an interface."""
        return [each for each in self._interfaces.values() if each.number == number]

    def interface_of(self, address: int) -> int | None:
        """The number of the interface that an endpoint belongs to, where there is one."""
        numbers = {each.number for each in self._interfaces.values() for e in each.endpoints if e.address == address}
        return numbers.pop() if len(numbers) == 1 else None

    def treatment(self, address: int) -> Treatment:
        """What to do with the bytes of an endpoint other than 0."""
        found = self._treatments.get(address)
        if found is None:
            settings = [
                (each, endpoint.transfer, endpoint.extra)
                for each in self._interfaces.values()
                for endpoint in each.endpoints
                if endpoint.address == address
            ]
            found = self._treatments[address] = self._agreed([self._of_endpoint(*each) for each in settings])
        return found

    @staticmethod
    def _agreed(treatments: list[Treatment]) -> Treatment:
        """What all settings say. A disk with both transports is treated as Bulk-Only, which knows its own."""
        for each in treatments:
            if isinstance(each, BulkOnly) and set(treatments) <= {each, blank, uas_command, uas_status}:
                return each
        return treatments[0] if len(set(treatments)) == 1 else blank

    def _of_endpoint(self, interface: Interface, transfer: TransferType, extra: list[bytes]) -> Treatment:
        match interface.interface_class, interface.subclass, interface.protocol:
            case ClassCode.HID, _, _:
                return self.hid(interface)
            case ClassCode.MASS_STORAGE, subclass, protocol if subclass == _SCSI and protocol == _BULK_ONLY:
                return self._bulk_only.setdefault(interface.number, BulkOnly())
            case ClassCode.MASS_STORAGE, subclass, protocol if subclass == _SCSI and protocol == _UAS:
                pipe = next((each[2] for each in extra if each[1] == _PIPE_USAGE and len(each) > 2), 0)
                return {_COMMAND_PIPE: uas_command, _STATUS_PIPE: uas_status}.get(pipe, blank)
            case ClassCode.SMART_CARD, _, _:
                return ccid
            case ClassCode.COMMUNICATIONS, _, _ if transfer == TransferType.INTERRUPT:
                return notification
            case ClassCode.VENDOR, _, _ if self.keep_vendor:
                return keep
        return blank

    def hid(self, interface: Interface, *, feature: bool = False) -> Treatment:
        """What to do with the reports of a HID interface, or with its ``feature`` reports."""
        report = self._reports.get(interface.number)
        if (interface.subclass, interface.protocol) == (_BOOT, _KEYBOARD):
            return keyboard
        if feature and interface.number not in self._features:
            return blank
        if report is _Report.HARMLESS:
            return keep
        if (interface.subclass, interface.protocol) == (_BOOT, _MOUSE) and report is None:
            return mouse
        return blank


_ITEM_SIZES = (0, 1, 2, 4)
_LONG_ITEM = 0xFE
_USAGE_PAGE, _USAGES, _FEATURE = 0x04, (0x08, 0x18, 0x28), 0xB0


def _usage_pages(data: bytes) -> Iterator[int]:
    """The usage pages that a report descriptor names; -1 where it is cut off."""
    for kind, size, value, whole in _items(data):
        if not whole:
            yield -1
        if kind == _USAGE_PAGE:
            yield value
        elif kind in _USAGES and size == 4:
            yield value >> 16


def _has_features(data: bytes) -> bool:
    return any(kind == _FEATURE for kind, *_ in _items(data))


def _items(data: bytes) -> Iterator[tuple[int, int, int, bool]]:
    """Items of a report descriptor (HID 1.11, 6.2.2): tag and type, size, value, and whether all of it is there."""
    at = 0
    while at < len(data):
        prefix = data[at]
        size = data[at + 1] + 2 if prefix == _LONG_ITEM and at + 1 < len(data) else _ITEM_SIZES[prefix & 3]
        value = int.from_bytes(data[at + 1 : at + 1 + size], "little")
        yield prefix & 0xFC, size, value, at + 1 + size <= len(data)
        at += 1 + size
