"""What a virtual device is, as data: descriptors, strings and speed. No behaviour; that is the firmware's.

Everything that USB 2.0 chapter 9 lets a host ask about is answered from a :class:`Gadget` alone (``control.py``).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wslusb.usb.descriptors import Configuration, DeviceDescriptor, Endpoint
from wslusb.usb.ids import DescriptorType, Speed
from wslusb.usb.info import DeviceInfo
from wslusb.usb.urb import Buffer

from . import rules
from .variants import configuration_at

__all__ = ["ENGLISH", "Gadget", "Place"]

ENGLISH = 0x0409
"""LANGID of English (United States): the one language that gadgets speak."""


@dataclass(slots=True, frozen=True)
class Place:
    """Where an endpoint is: what a firmware decides on when it is asked for the endpoint's handler."""

    configuration: int
    interface: int
    alternate: int
    endpoint: Endpoint


@dataclass(slots=True, kw_only=True)
class Gadget:
    """A device, declared.

    ``strings`` are string descriptors 1, 2, ... (the string fields of the descriptors are indices into it, 0 for none).
    ``bos`` is the raw binary object store, empty for a device that has none (USB 3.2, 9.6.2). The first configuration
    is the one that a host chooses when the device is plugged in.

    Held to the rules of USB (``emulator/rules``) as it is built: LocalError names what is broken. ``checked=False`` is
    for devices that break them on purpose; their bNumConfigurations stays as it was written, too.
    """

    device: DeviceDescriptor
    configurations: tuple[Configuration, ...]
    strings: tuple[str, ...] = ()
    speed: Speed = Speed.HIGH
    bos: bytes = b""
    checked: bool = True

    def __post_init__(self) -> None:
        if self.checked:
            self.device.configuration_count = len(self.configurations)
            rules.check(self)

    @classmethod
    def from_descriptors(
        cls, device: Buffer, configurations: Sequence[Buffer], strings: Mapping[int, str] | Sequence[str] = (),
        bos: Buffer = b"", speed: Speed = Speed.HIGH, *, checked: bool = False,
    ) -> Gadget:  # fmt: skip
        """A gadget of the bytes that a device has given. They come back byte for byte, mistakes included.

        ``strings`` by index, or those of 1, 2, ... LocalError for a device or configuration that does not even start
        with its descriptor, and for what the rules forbid if it is to be ``checked``.
        """
        if isinstance(strings, Mapping):
            strings = [strings.get(index, "") for index in range(1, max(strings, default=0) + 1)]
        gadget = cls(
            device=DeviceDescriptor.unpack(device), strings=tuple(strings), speed=speed, bos=bytes(bos), checked=False,
            configurations=tuple(Configuration.unpack(each, keep_rest=True) for each in configurations),
        )  # fmt: skip
        gadget.checked = checked
        if checked:
            rules.check(gadget)
        return gadget

    def string(self, index: int) -> str:
        """The string with that index; empty for 0 and for one that does not exist."""
        return self.strings[index - 1] if 0 < index <= len(self.strings) else ""

    def configuration(self, value: int) -> Configuration | None:
        """The configuration with that bConfigurationValue."""
        return next((each for each in self.configurations if each.value == value), None)

    def string_descriptor(self, index: int, language: int) -> bytes | None:
        """USB 2.0, 9.6.7. Index 0 lists the languages whatever ``language`` says."""
        if index == 0:
            return struct.pack("<BBH", 4, DescriptorType.STRING, ENGLISH)
        if language != ENGLISH or index > len(self.strings):
            return None
        text = self.strings[index - 1].encode("utf-16-le", "surrogatepass")[:252]  # such as a device has said it
        return bytes((len(text) + 2, DescriptorType.STRING)) + text

    def qualifier(self) -> bytes | None:
        """USB 2.0, 9.6.2: only a high-speed device has one; a full-speed-only device must stall the request."""
        if self.speed != Speed.HIGH:
            return None
        whole = self.device.pack()
        # bcdUSB to bMaxPacketSize0 are those of the device descriptor, then the count, then a reserved byte.
        return bytes((10, DescriptorType.DEVICE_QUALIFIER)) + whole[2:8] + bytes((len(self.configurations), 0))

    def other_speed(self, index: int) -> bytes | None:
        """USB 2.0, 9.6.4: the configuration as it would be at full speed."""
        if self.speed != Speed.HIGH or index >= len(self.configurations):
            return None
        raw = bytearray(configuration_at(self.configurations[index], Speed.HIGH, Speed.FULL).pack())
        raw[1] = DescriptorType.OTHER_SPEED_CONFIGURATION
        return bytes(raw)

    def info(self, busid: str, generation: int = 1) -> DeviceInfo:
        """The gadget as a provider lists it, configured as a host configures a device that was just plugged in."""
        device = self.device
        return DeviceInfo(
            busid=busid, vendor=device.vendor, product=device.product, bcd_device=device.bcd_device,
            device_class=device.device_class, subclass=device.subclass, protocol=device.protocol, speed=self.speed,
            manufacturer=self.string(device.manufacturer), product_name=self.string(device.product_string),
            serial=self.string(device.serial), port_path=f"emulator-{busid}", generation=generation,
            active_configuration=self.configurations[0].value if self.configurations else 0,
            device_descriptor=device.pack(), configurations=tuple(each.pack() for each in self.configurations),
            bos=self.bos,
        )  # fmt: skip
