"""The endpoints that usbtest's cases drive, found in the descriptors, and the numbers that it is run with."""

from __future__ import annotations

from dataclasses import dataclass

from wslusb.usb.descriptors import Endpoint, Interface
from wslusb.usb.ids import DescriptorType, Speed, TransferType, is_in

from ..subject import NotApplicable, Subject

__all__ = ["PARAMETERS", "Parameters", "Pair", "payload", "pipes", "source_and_sink"]

_SOURCE_SINK = {(0x0525, 0xA4A0), (0x0525, 0xA4A3), (0x0525, 0xA4A4), (0xFFF0, 0xFFF0)}
"""Devices that swallow and send whatever a host likes, by VID and PID: those that usbtest's id table knows."""


@dataclass(slots=True, frozen=True)
class Parameters:
    """As tools/usb/testusb.c has them: ``length`` and ``vary`` in bytes, ``depth`` (sglen) in URBs at a time."""

    iterations: int = 8
    length: int = 4096
    vary: int = 512
    depth: int = 8


PARAMETERS = Parameters()


@dataclass(slots=True, frozen=True)
class Pair:
    """A source and a sink of one transfer type, in the chosen setting. None where there is only the other."""

    source: Endpoint | None
    sink: Endpoint | None


def source_and_sink(subject: Subject) -> None:
    """NotApplicable unless it is known that the device does not mind what is sent to it."""
    info = subject.device.info
    if (info.vendor, info.product) not in _SOURCE_SINK:
        raise NotApplicable(f"{info.hardware_id} is not known as a source and sink")


def pipes(subject: Subject, transfer: TransferType) -> Pair:
    """Choose the first setting with endpoints of this type. NotApplicable if there is none."""
    source_and_sink(subject)
    for interface in subject.current.interfaces:
        pair = _pair(interface, transfer)
        if pair.source or pair.sink:
            subject.choose(interface.number, interface.alternate)
            return pair
    raise NotApplicable(f"the device has no {transfer.name.lower()} endpoints")


def _pair(interface: Interface, transfer: TransferType) -> Pair:
    found = [endpoint for endpoint in interface.endpoints if endpoint.transfer == transfer]
    source = next((endpoint for endpoint in found if is_in(endpoint.address)), None)
    return Pair(source, next((endpoint for endpoint in found if not is_in(endpoint.address)), None))


def payload(endpoint: Endpoint, speed: Speed) -> int:
    """Bytes that an isochronous endpoint takes in one interval (USB 2.0, 9.6.6; USB 3.2, 9.6.7)."""
    size = endpoint.packet_size
    if speed < Speed.SUPER:
        return size * endpoint.transactions
    companion = next((raw for raw in endpoint.extra if raw[1] == DescriptorType.SS_ENDPOINT_COMPANION), bytes(6))
    return size * (1 + companion[2]) * (1 + (companion[3] & 3))
