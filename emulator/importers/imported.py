"""From what a source holds to a device, with a line for everything that it does not hold."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from wslusb.errors import LocalError
from wslusb.usb.descriptors import Configuration, DeviceDescriptor
from wslusb.usb.ids import ClassCode, DescriptorType, Speed, TransferType
from wslusb.usb.setup import Request

from ..model import Model
from ..scenario.gadget import WrittenGadget
from .evidence import Evidence, unreadable
from .replay import ReplayFirmware
from .strings import string_descriptors

__all__ = ["Imported", "assemble", "string_uses"]

_REPORT = 0x22
_CDC_ETHERNET = b"\x24\x0f"


@dataclass(slots=True, frozen=True)
class Imported:
    """A device that was read from somewhere.

    Each line of ``missing`` says what the source does not hold, and what stands in its place, if anything has to.
    """

    name: str
    model: Model
    missing: tuple[str, ...]


def assemble(evidence: Evidence) -> Imported:
    """Make the device. LocalError if its device descriptor is not there or cannot be read."""
    missing = list(evidence.missing)
    try:
        device = DeviceDescriptor.unpack(evidence.device)
    except LocalError as error:
        raise unreadable(f"{evidence.name}: {error}") from error
    configurations = tuple(_configurations(evidence, device, missing))
    speed = evidence.speed or _guess_speed(device, configurations, missing)
    texts = string_descriptors(evidence, string_uses(device, configurations), missing)
    _note_requests(evidence, configurations, missing)
    if device.bcd_usb > 0x0200 and not evidence.bos:
        missing.append("binary object store: not in the source; the request for it is stalled")
    gadget = WrittenGadget(
        device=device, configurations=configurations, texts=texts, speed=speed, bos=evidence.bos
    )  # fmt: skip
    return Imported(evidence.name, Model(gadget, ReplayFirmware(evidence.answers)), tuple(missing))


def _configurations(evidence: Evidence, device: DeviceDescriptor, missing: list[str]) -> Iterator[Configuration]:
    stated, count = device.configuration_count, 0
    for raw in evidence.configurations:
        try:
            configuration = Configuration.unpack(raw, keep_rest=True)
        except LocalError as error:
            missing.append(f"configuration {count + 1}: {error}; left out")
            continue
        count += 1
        yield configuration
        (total,) = struct.unpack_from("<H", raw, 2)
        if len(raw) < total:
            missing.append(
                f"configuration {count}: {len(raw)} of wTotalLength {total} bytes are in the source; it ends there"
            )
        if configuration.rest:
            missing.append(f"configuration {count}: its last {len(configuration.rest)} bytes are no descriptors; kept")
    if count != stated:
        missing.append(
            f"configurations: {count} of bNumConfigurations {stated} are in the source; requests for others are stalled"
        )


def string_uses(device: DeviceDescriptor, configurations: tuple[Configuration, ...]) -> dict[int, str]:
    """The string indices that a driver will ask for, and the field that names each first."""
    uses = {device.manufacturer: "iManufacturer", device.product_string: "iProduct", device.serial: "iSerialNumber"}
    for configuration in configurations:
        uses.setdefault(configuration.string, "iConfiguration")
        for interface in configuration.interfaces:
            uses.setdefault(interface.string, "iInterface")
            if interface.association is not None:
                uses.setdefault(interface.association.string, "iFunction")
            for extra in interface.extra:
                if extra[1:3] == _CDC_ETHERNET and len(extra) > 3:
                    uses.setdefault(extra[3], "iMACAddress")
    uses.pop(0, None)
    return uses


def _note_requests(evidence: Evidence, configurations: tuple[Configuration, ...], missing: list[str]) -> None:
    """Classes whose drivers ask for more than descriptors."""
    for configuration in configurations:
        for interface in configuration.interfaces:
            key = (0x81, Request.GET_DESCRIPTOR, _REPORT << 8, interface.number)
            if interface.interface_class == ClassCode.HID and interface.alternate == 0 and key not in evidence.answers:
                missing.append(
                    f"HID report descriptor of interface {interface.number}: not in the source;"
                    " the request for it is stalled, and usbhid will not bind"
                )


def _guess_speed(device: DeviceDescriptor, configurations: tuple[Configuration, ...], missing: list[str]) -> Speed:
    """The slowest speed at which the endpoints are allowed (USB 2.0, 5.5.3 to 5.8.3; USB 3.2, 9.6.6)."""
    speed, why = _speed_of(device, configurations)
    missing.append(f"speed: not in the source; {speed.name.lower()} speed, for {why}")
    return speed


def _speed_of(device: DeviceDescriptor, configurations: tuple[Configuration, ...]) -> tuple[Speed, str]:
    endpoints = [e for c in configurations for i in c.interfaces for e in i.endpoints]
    sizes = dict.fromkeys(TransferType, 0)
    for endpoint in endpoints:
        sizes[endpoint.transfer] = max(sizes[endpoint.transfer], endpoint.max_packet_size)
    companions = any(extra[1] == DescriptorType.SS_ENDPOINT_COMPANION for e in endpoints for extra in e.extra)
    if companions or (device.bcd_usb >= 0x0300 and device.max_packet_size0 == 9):
        return Speed.SUPER, "bMaxPacketSize0 is 9 or endpoints have companions"
    if sizes[TransferType.BULK] > 64 or sizes[TransferType.INTERRUPT] > 64 or sizes[TransferType.ISOCHRONOUS] > 1023:
        return Speed.HIGH, "full speed does not allow packets that large"
    slow = not sizes[TransferType.BULK] and not sizes[TransferType.ISOCHRONOUS] and sizes[TransferType.INTERRUPT] <= 8
    if endpoints and slow and device.max_packet_size0 == 8:
        return Speed.LOW, "bMaxPacketSize0 is 8 and no packet is larger"
    return Speed.FULL, "its packets fit"
