"""What a capture holds of a device's descriptors. Nothing is made up: ``missing`` says what it does not hold."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..errors import LocalError
from ..usb.descriptors import Configuration, DeviceDescriptor
from ..usb.hid import REPORT
from ..usb.ids import DIR_IN, ClassCode, DescriptorType, Speed, TransferType
from ..usb.info import DeviceInfo
from ..usb.setup import Request, Setup
from ..usb.urb import Status
from .story import Story

__all__ = ["Facts"]

_ENGLISH = 0x0409
_DEVICE_SIZE, _HEADER_SIZE = 18, 4
Key = tuple[int, int, int, int]
"""Recipient (as bmRequestType), type, index, and wIndex: a language or an interface."""


@dataclass(slots=True)
class Facts:
    """Descriptors as the device gave them: the longest answer to each request. ``refused``: those that it stalled."""

    name: str
    descriptors: dict[Key, bytes] = field(default_factory=dict)
    refused: set[Key] = field(default_factory=set)
    device: DeviceDescriptor | None = None
    configurations: tuple[bytes, ...] = ()
    missing: list[str] = field(default_factory=list)
    active: int = 0
    """What SET_CONFIGURATION chose first, or GET_CONFIGURATION told; 0 if it was neither chosen nor told."""

    @classmethod
    def of(cls, story: Story) -> Facts:
        """Read a story for what it tells of the device."""
        facts = cls(story.name, missing=list(story.notes))
        for exchange in story.exchanges:
            setup, answer = exchange.setup, exchange.answer
            if setup is not None and answer is not None:
                facts._hear(setup, exchange.status, answer.data[: setup.length])
        facts._conclude()
        return facts

    def _hear(self, setup: Setup, status: Status | None, data: bytes) -> None:
        if setup.request == Request.GET_DESCRIPTOR and setup.request_type in (DIR_IN, DIR_IN | 1):
            key = _key(setup)
            if status in (Status.OK, Status.SHORT):
                if len(data) > len(self.descriptors.get(key, b"")):
                    self.descriptors[key] = data
            elif status == Status.STALL:
                self.refused.add(key)
        elif status == Status.OK and not self.active:
            if setup.request_type == 0 and setup.request == Request.SET_CONFIGURATION:
                self.active = setup.value & 0xFF
            elif setup.request_type == DIR_IN and setup.request == Request.GET_CONFIGURATION and data:
                self.active = data[0]

    def get(self, setup: Setup) -> bytes | None:
        """The answer to a GET_DESCRIPTOR, not yet cut to wLength; None if the capture does not hold it."""
        key = _key(setup)
        if key not in self.descriptors and key[:3] == (DIR_IN, DescriptorType.STRING, 0):
            return self._languages()
        return self.descriptors.get(key)

    def was_refused(self, setup: Setup) -> bool:
        """Whether the device stalled this GET_DESCRIPTOR."""
        return _key(setup) in self.refused

    def _languages(self) -> bytes | None:
        """String 0, from the languages that strings were given in."""
        held = next((data for key, data in self.descriptors.items() if key[:3] == (DIR_IN, 3, 0)), None)
        if held is not None:
            return held
        spoken = sorted({key[3] for key in self.descriptors if key[:2] == (DIR_IN, DescriptorType.STRING) and key[2]})
        if not spoken:
            return None
        return struct.pack(f"<BB{len(spoken)}H", 2 + 2 * len(spoken), DescriptorType.STRING, *spoken)

    def string(self, index: int) -> str:
        """A string, in English if there is one; empty if the capture does not hold it."""
        found = {key[3]: data for key, data in self.descriptors.items() if key[:3] == (DIR_IN, 3, index)}
        if not index or not found:
            return ""
        data = found.get(_ENGLISH) or found[min(found)]
        return data[2 : data[0]].decode("utf-16-le", "replace") if data else ""

    @property
    def title(self) -> str:
        """VID:PID and name, for people."""
        if self.device is None:
            return "no device descriptor"
        words = f"{self.string(self.device.manufacturer)} {self.string(self.device.product_string)}".strip()
        return f"{self.device.vendor:04x}:{self.device.product:04x} {words}".rstrip()

    def _conclude(self) -> None:
        raw = self.descriptors.get((DIR_IN, DescriptorType.DEVICE, 0, 0), b"")
        try:
            self.device = DeviceDescriptor.unpack(raw[:_DEVICE_SIZE])
        except LocalError:
            self.missing.append("the device descriptor")
        found, absent = list[bytes](), list[int]()
        for index in range(self.device.configuration_count if self.device else 1):
            raw = self.descriptors.get((DIR_IN, DescriptorType.CONFIGURATION, index, 0), b"")
            total = int.from_bytes(raw[2:4], "little") if len(raw) >= _HEADER_SIZE else 0
            if total and len(raw) >= total:
                found.append(raw[:total])
            elif raw:
                self.missing.append(f"configuration descriptor {index}: {len(raw)} of {total} bytes")
            else:
                absent.append(index)
        if absent:
            plural, last = ("s", f" to {absent[-1]}") if len(absent) > 1 else ("", "")
            self.missing.append(f"configuration descriptor{plural} {absent[0]}{last}")
        self.configurations = tuple(found)
        self._note_strings()
        self._note_reports()

    def _note_strings(self) -> None:
        device = self.device
        if device is None:
            return
        used = {"iManufacturer": device.manufacturer, "iProduct": device.product_string, "iSerialNumber": device.serial}
        held = {key[2] for key in self.descriptors | dict.fromkeys(self.refused, b"") if key[:2] == (DIR_IN, 3)}
        self.missing += [f"string {index} ({name})" for name, index in used.items() if index and index not in held]

    def _note_reports(self) -> None:
        for configuration in self.parsed():
            for interface in configuration.interfaces:
                key = (DIR_IN | 1, REPORT, 0, interface.number)
                wanted = interface.interface_class == ClassCode.HID and not interface.alternate
                if wanted and key not in self.descriptors:
                    self.missing.append(f"the HID report descriptor of interface {interface.number}")

    def parsed(self) -> list[Configuration]:
        """The configurations that can be read."""
        return Configuration.readable(self.configurations)

    def info(self, busid: str = "8-1", generation: int = 1) -> DeviceInfo:
        """The device as a provider lists it, configured as a host configures a device that was just plugged in."""
        device = self.device or DeviceDescriptor(0, 0)
        configurations = self.parsed()
        first = configurations[0].value if configurations else 0
        return DeviceInfo(
            busid=busid, vendor=device.vendor, product=device.product, bcd_device=device.bcd_device,
            device_class=device.device_class, subclass=device.subclass, protocol=device.protocol,
            speed=_speed(device, configurations), manufacturer=self.string(device.manufacturer),
            product_name=self.string(device.product_string), serial=self.string(device.serial),
            port_path=f"replay-{busid}", generation=generation, active_configuration=self.active or first,
            device_descriptor=self.descriptors.get((DIR_IN, DescriptorType.DEVICE, 0, 0), b"")[:_DEVICE_SIZE],
            configurations=self.configurations, bos=self.descriptors.get((DIR_IN, DescriptorType.BOS, 0, 0), b""),
        )  # fmt: skip


def _key(setup: Setup) -> Key:
    return setup.request_type, setup.value >> 8, setup.value & 0xFF, setup.index


def _speed(device: DeviceDescriptor, configurations: Iterable[Configuration]) -> Speed:
    """Captures do not tell it: the slowest at which the endpoints are allowed (USB 2.0, 5.5.3 to 5.8.3)."""
    endpoints = [e for c in configurations for i in c.interfaces for e in i.endpoints]
    if any(extra[1] == DescriptorType.SS_ENDPOINT_COMPANION for e in endpoints for extra in e.extra):
        return Speed.SUPER
    sizes = dict.fromkeys(TransferType, 0)
    for endpoint in endpoints:
        sizes[endpoint.transfer] = max(sizes[endpoint.transfer], endpoint.max_packet_size)
    if max(sizes[TransferType.BULK], sizes[TransferType.INTERRUPT]) > 64 or sizes[TransferType.ISOCHRONOUS] > 1023:
        return Speed.HIGH
    slow = not sizes[TransferType.BULK] and not sizes[TransferType.ISOCHRONOUS] and sizes[TransferType.INTERRUPT] <= 8
    return Speed.LOW if endpoints and slow and device.max_packet_size0 == 8 else Speed.FULL
