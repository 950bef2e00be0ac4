"""What a virtual device is, as data: descriptors, strings and speed. No behaviour; that is the firmware's.

Everything that USB 2.0 chapter 9 lets a host ask about is answered from a :class:`Gadget` alone (``control.py``).
"""

from __future__ import annotations

import dataclasses
import struct
from dataclasses import dataclass

from wslusb.usb.descriptors import Configuration, DeviceDescriptor, Endpoint, Interface
from wslusb.usb.ids import DescriptorType, Speed, TransferType
from wslusb.usb.info import DeviceInfo

__all__ = ["ENGLISH", "Gadget", "Place"]

ENGLISH = 0x0409
"""LANGID of English (United States): the one language that gadgets speak."""

_FULL_SPEED_MAX = {TransferType.BULK: 64, TransferType.INTERRUPT: 64, TransferType.ISOCHRONOUS: 1023}


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
    """

    device: DeviceDescriptor
    configurations: tuple[Configuration, ...]
    strings: tuple[str, ...] = ()
    speed: Speed = Speed.HIGH
    bos: bytes = b""

    def __post_init__(self) -> None:
        self.device.configuration_count = len(self.configurations)

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
        text = self.strings[index - 1].encode("utf-16-le")[:252]
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
        raw = bytearray(_at_full_speed(self.configurations[index]).pack())
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


def _at_full_speed(configuration: Configuration) -> Configuration:
    interfaces = [_slow_interface(each) for each in configuration.interfaces]
    return dataclasses.replace(configuration, interfaces=interfaces, total_length=None)


def _slow_interface(interface: Interface) -> Interface:
    return dataclasses.replace(interface, endpoints=[_slow_endpoint(each) for each in interface.endpoints])


def _slow_endpoint(endpoint: Endpoint) -> Endpoint:
    size = min(endpoint.max_packet_size & 0x7FF, _FULL_SPEED_MAX.get(endpoint.transfer, 64))
    return dataclasses.replace(endpoint, max_packet_size=size)
