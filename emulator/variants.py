"""A device as it would be at another speed: sizes, intervals and companions that the rules of that speed allow.

Low speed has interrupt endpoints alone, two of them and 8 bytes a packet: the others are left out.
"""

from __future__ import annotations

import dataclasses
import uuid
from typing import TYPE_CHECKING

from wslusb.usb.bos import bos, container_id, superspeed, usb_2_0_extension
from wslusb.usb.descriptors import Configuration, Endpoint, Interface
from wslusb.usb.descriptors_extra import Companion
from wslusb.usb.ids import DescriptorType, Speed, TransferType

from .frames import max_payload

if TYPE_CHECKING:
    from .gadget import Gadget

__all__ = ["at_speed", "configuration_at"]

_SIZES = {
    TransferType.BULK: {Speed.FULL: 64, Speed.HIGH: 512, Speed.SUPER: 1024},
    TransferType.INTERRUPT: {Speed.LOW: 8, Speed.FULL: 64, Speed.HIGH: 1024, Speed.SUPER: 1024},
    TransferType.ISOCHRONOUS: {Speed.FULL: 1023, Speed.HIGH: 1024, Speed.SUPER: 1024},
}
"""Bulk packets have this size, others at most."""
_EP0_SIZES = {Speed.LOW: 8, Speed.FULL: 64, Speed.HIGH: 64, Speed.SUPER: 9}
_VERSIONS = {
    Speed.LOW: (0x0100, 0x0210), Speed.FULL: (0x0100, 0x0210), Speed.HIGH: (0x0200, 0x0210),
    Speed.SUPER: (0x0320, 0x0320),
}  # fmt: skip
"""bcdUSB: the oldest and the newest; below SuperSpeed, more than 0x0200 needs a binary object store."""
_LOW_SPEED_ENDPOINTS = 2
_SUPER_PACKET = 1024
_NAMESPACE = uuid.UUID("6f1d3c1e-61b4-4b6c-9a3d-0e2f6b7a9c55")


def at_speed(gadget: Gadget, speed: Speed) -> Gadget:
    """The variant of a gadget at that speed, checked; ``gadget`` itself stays as it is.

    USB 3.2, 9.2.6.6 gives the version and the size of endpoint 0, 9.6.2 what the binary object store must hold.
    """
    if speed == gadget.speed:
        return gadget
    is_super = speed >= Speed.SUPER
    oldest, newest = _VERSIONS[min(speed, Speed.SUPER)]
    device = dataclasses.replace(
        gadget.device, max_packet_size0=_EP0_SIZES[min(speed, Speed.SUPER)],
        bcd_usb=min(max(gadget.device.bcd_usb, oldest), newest if gadget.bos or is_super else 0x0200),
    )  # fmt: skip
    identity = uuid.uuid5(_NAMESPACE, f"{device.vendor:04x}:{device.product:04x}:{gadget.string(device.serial)}")
    store = gadget.bos or (bos(usb_2_0_extension(), superspeed(), container_id(identity)) if is_super else b"")
    configurations = tuple(configuration_at(each, gadget.speed, speed) for each in gadget.configurations)
    return dataclasses.replace(gadget, device=device, configurations=configurations, speed=speed, bos=store)


def configuration_at(configuration: Configuration, old: Speed, new: Speed) -> Configuration:
    """A configuration of a device of one speed, at another speed."""
    interfaces = [_interface(each, old, new) for each in configuration.interfaces]
    milliamperes = configuration.max_power * _power_unit(old)
    power = min(milliamperes, 500 if new < Speed.SUPER else 896) // _power_unit(new)
    return dataclasses.replace(
        configuration, interfaces=interfaces, max_power=power or min(1, configuration.max_power), total_length=None
    )


def _power_unit(speed: Speed) -> int:
    """Milliamperes that bMaxPower counts."""
    return 8 if speed >= Speed.SUPER else 2


def _interface(interface: Interface, old: Speed, new: Speed) -> Interface:
    possible = [each for each in interface.endpoints if min(new, Speed.SUPER) in _SIZES.get(each.transfer, ())]
    endpoints = [_endpoint(each, old, new) for each in possible]
    if new == Speed.LOW:
        endpoints = endpoints[:_LOW_SPEED_ENDPOINTS]
    return dataclasses.replace(interface, endpoints=endpoints, endpoint_count=None)


def _endpoint(endpoint: Endpoint, old: Speed, new: Speed) -> Endpoint:
    transfer, payload = endpoint.transfer, max_payload(endpoint, old)
    largest = _SIZES[transfer][min(new, Speed.SUPER)]
    size = largest if transfer == TransferType.BULK else min(payload, largest)
    extra = [each for each in endpoint.extra if each[1] != DescriptorType.SS_ENDPOINT_COMPANION]
    if new >= Speed.SUPER:
        extra.insert(0, (Companion.find(endpoint.extra) or _companion(transfer, payload)).pack())
        size = _SUPER_PACKET if payload > _SUPER_PACKET else size
    return dataclasses.replace(endpoint, max_packet_size=size, interval=_interval(endpoint, old, new), extra=extra)


def _companion(transfer: TransferType, payload: int) -> Companion:
    """Periodic endpoints move the same ``payload`` as before: more than a packet is a burst (USB 3.2, 9.6.7)."""
    if transfer == TransferType.BULK:
        return Companion()
    return Companion(burst=max(0, payload - 1) // _SUPER_PACKET, bytes_per_interval=payload)


def _interval(endpoint: Endpoint, old: Speed, new: Speed) -> int:
    """The bInterval of the same time, or of the next shorter one that can be said."""
    if endpoint.transfer == TransferType.BULK:
        return 0
    microframes = endpoint.interval * 8 if _linear(endpoint, old) else _power_of_two(endpoint.interval, old)
    if _linear(endpoint, new):
        return min(max(microframes // 8, 10 if new == Speed.LOW else 1), 255)
    frame = 8 if new < Speed.HIGH else 1
    return min(max(microframes // frame, 1).bit_length(), 16)


def _power_of_two(interval: int, speed: Speed) -> int:
    return (8 if speed < Speed.HIGH else 1) << min(max(interval, 1), 16) - 1


def _linear(endpoint: Endpoint, speed: Speed) -> bool:
    """Whether bInterval counts milliseconds (USB 2.0, table 9-13)."""
    return endpoint.transfer == TransferType.INTERRUPT and speed < Speed.HIGH
