"""A configuration for a device whose own was not captured: the endpoints that the capture's host used, and no more.

They all are of interface 0; others, and settings, are there as far as the host chose them, and have none. The class is
the vendor's, so that no driver takes it for something: which it was is not known. Packet sizes are as large as the
speed allows, and as what was seen needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..usb.descriptors import Configuration, DeviceDescriptor, Endpoint, Interface
from ..usb.ids import DIR_IN, ClassCode, DescriptorType, TransferType
from ..usb.setup import Request
from ..usb.urb import Status
from .facts import Facts
from .story import Exchange, Story

__all__ = ["complete"]

_USB_2, _HIGH_SPEED_SIZE0, _SUPER_SPEED_SIZE0 = 0x0200, 64, 9
_FULL_BULK, _HIGH_BULK, _FULL_MOST, _HIGH_MOST = 64, 512, 64, 1024
_FULL_ISO = 1023
_EVERY_8_FRAMES, _EVERY_MILLISECOND = 8, 4
"""bInterval of an interrupt endpoint, where it counts frames, and where it is an exponent (USB 2.0, table 9-13)."""


def complete(facts: Facts, story: Story) -> tuple[Facts, Story] | None:
    """The same with a configuration that is made up, as ``missing`` says; None for a device that none fits.

    Those of SuperSpeed need more descriptors than can be guessed. Answers to requests for the real configuration, of
    which some was captured, are left out.
    """
    device = facts.device
    if device is None or device.max_packet_size0 == _SUPER_SPEED_SIZE0:
        return None
    kept = [each for each in story.exchanges if not _asks_for_configuration(each)]
    endpoints = _endpoints(device, kept)
    raw = Configuration(facts.active or 1, list(_interfaces(kept, endpoints))).pack()
    used = ", ".join(f"0x{each.address:02x} {each.transfer.name.lower()}" for each in endpoints) or "none but 0"
    made = Facts.of(Story(story.bus, story.device, kept, story.notes))
    made.descriptors[DIR_IN, DescriptorType.CONFIGURATION, 0, 0] = raw
    made.configurations = (raw,)
    made.missing.append(f"interfaces and their classes: guessed from the endpoints that were used ({used})")
    return made, Story(story.bus, story.device, kept, story.notes)


def _asks_for_configuration(exchange: Exchange) -> bool:
    setup = exchange.setup
    if setup is None or (setup.request_type, setup.request) != (DIR_IN, Request.GET_DESCRIPTOR):
        return False
    return setup.value >> 8 == DescriptorType.CONFIGURATION


def _interfaces(exchanges: Iterable[Exchange], endpoints: list[Endpoint]) -> Iterator[Interface]:
    chosen = {(0, 0)}
    for setup in (each.setup for each in exchanges if each.status is Status.OK):
        if setup is not None and (setup.request_type, setup.request) == (0x01, Request.SET_INTERFACE):
            chosen.add((setup.index & 0xFF, setup.value & 0xFF))
    chosen |= {(number, 0) for number in range(max(chosen)[0])} | {(number, 0) for number, _ in chosen}
    for number, alternate in sorted(chosen):
        has = [] if number else endpoints
        yield Interface(number, alternate, interface_class=ClassCode.VENDOR, endpoints=has)


def _endpoints(device: DeviceDescriptor, exchanges: Iterable[Exchange]) -> list[Endpoint]:
    used: dict[int, TransferType] = {}
    largest: dict[int, int] = {}
    for each in exchanges:
        if each.lane and not each.refused:
            used.setdefault(each.lane, TransferType(each.request.transfer))
            largest[each.lane] = max(largest.get(each.lane, 0), _size(each))
    high = device.bcd_usb >= _USB_2 and device.max_packet_size0 == _HIGH_SPEED_SIZE0
    return [_endpoint(lane, used[lane], largest[lane], high=high) for lane in sorted(used)]


def _size(exchange: Exchange) -> int:
    """The longest packet of a transfer, as far as it is seen."""
    halves = [half for half in (exchange.request, exchange.answer) if half is not None]
    return max((packet.length for half in halves for packet in half.iso), default=max(len(h.data) for h in halves))


def _endpoint(address: int, transfer: TransferType, largest: int, *, high: bool) -> Endpoint:
    if transfer == TransferType.BULK:
        return Endpoint(address, transfer, _HIGH_BULK if high else _FULL_BULK)
    if transfer == TransferType.ISOCHRONOUS:
        return Endpoint(address, transfer, min(max(largest, 1), _HIGH_MOST if high else _FULL_ISO), 1)
    size = next(size for size in (8, 16, 32, _FULL_MOST, _HIGH_MOST) if largest <= size or size == _HIGH_MOST)
    return Endpoint(
        address, transfer, size if high else min(size, _FULL_MOST), _EVERY_MILLISECOND if high else _EVERY_8_FRAMES
    )
