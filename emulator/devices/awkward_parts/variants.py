"""Every way to be awkward: what the device does, and what Linux (6.12) does about it.

``tests/kernel/devices/test_awkward.py`` holds the second half of each line to be true; docs/conformance.md shows it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wslusb.usb.ids import DescriptorType
from wslusb.usb.setup import Request, Setup

from ...firmware import Firmware
from . import behaviours, descriptions
from .base import REPORT, AwkwardFirmware, awkward_gadget
from .behaviours import descriptor, request
from .descriptions import Change

__all__ = ["VARIANTS", "Linux", "Variant"]

_SET_IDLE = 10
_PRODUCT = 2
_LATE, _TOO_LATE = 0.3, 6.0
"""Seconds. A host gives a request 5 (USB 2.0, 9.2.6.4; include/linux/usb.h, USB_CTRL_GET_TIMEOUT)."""


@dataclass(slots=True, frozen=True)
class Linux:
    """What Linux does, in words; what the kernel log says (a regular expression, empty if nothing out of the ordinary).

    ``product`` is the name that the device has then: empty if it has none, None if it cannot be used at all.
    """

    effect: str
    says: str = ""
    product: str | None = "Awkward"


@dataclass(slots=True, frozen=True, kw_only=True)
class Variant:
    """One way. ``breaks`` are the cases of the chapter-9 suite that it fails."""

    what: str
    linux: Linux
    breaks: tuple[str, ...] = ()
    change: Change = descriptions.sound
    firmware: Callable[[str], Firmware] = lambda _serial: AwkwardFirmware()


def _product_late(seconds: float) -> Callable[[str], Firmware]:
    def make(serial: str) -> Firmware:
        gadget = awkward_gadget(serial)
        return behaviours.Late(
            descriptor(DescriptorType.STRING, _PRODUCT), seconds,
            lambda setup: gadget.string_descriptor(setup.value & 0xFF, setup.index),
        )  # fmt: skip

    return make


def _other_speed(setup: Setup) -> bool:
    kinds = (DescriptorType.DEVICE_QUALIFIER, DescriptorType.OTHER_SPEED_CONFIGURATION)
    return any(descriptor(kind)(setup) for kind in kinds)


_GARBAGE = bytes(0xF0 | at % 15 for at in range(len(REPORT)))

VARIANTS: dict[str, Variant] = {
    "none": Variant(what="breaks no rule", linux=Linux("usbhid binds")),
    "total-too-long": Variant(
        what="wTotalLength promises 16 bytes more than come",
        breaks=("configuration descriptors",),
        change=descriptions.total_length(16),
        linux=Linux("goes on with what came", r"config index 0 descriptor too short \(expected \d+, got \d+\)"),
    ),
    "total-too-short": Variant(
        what="wTotalLength ends before the last endpoint",
        breaks=(
            "configuration descriptors", "configuration descriptors cut short", "endpoint counts",
            "descriptors do not change", "enumeration again and again",
        ),
        change=descriptions.total_length(-7),
        linux=Linux(
            "the endpoint does not exist",
            r"interface 1 altsetting 1 has 0 endpoint descriptors, different from .* value: 1",
        ),
    ),
    "no-strings": Variant(
        what="names strings and stalls all requests for them",
        breaks=("languages", "strings", "strings cut short", "string index that no descriptor names"),
        firmware=lambda _serial: behaviours.Stalling(descriptor(DescriptorType.STRING)),
        linux=Linux("the device has no names", r"string descriptor 0 read error: -32", ""),
    ),
    "empty-strings": Variant(
        what="answers strings with no bytes",
        breaks=("strings",),
        firmware=lambda _serial: behaviours.ReplacedStrings(b""),
        linux=Linux("asks three times; then the device has no names", product=""),
    ),
    "odd-strings": Variant(
        what="answers strings of 5 bytes, which is one UTF-16 unit and a half",
        breaks=("strings",),
        firmware=lambda _serial: behaviours.ReplacedStrings(bytes((5, DescriptorType.STRING, 0x41, 0, 0x42))),
        linux=Linux("drops the half: the device is called A", product="A"),
    ),
    "changing": Variant(
        what="counts the readings of its device descriptor in bcdDevice",
        breaks=("device descriptor cut short", "descriptors do not change", "enumeration again and again"),
        firmware=behaviours.Changing,
        linux=Linux("takes it for another device after a reset, and enumerates it anew", r"device firmware changed"),
    ),
    "short-device": Variant(
        what="has a device descriptor of 8 bytes",
        breaks=(
            "device descriptor", "configuration descriptors", "descriptors do not change",
            "enumeration again and again",
        ),
        firmware=behaviours.short_device,
        linux=Linux("gives up after four tries", r"device descriptor read/all, error -90", None),
    ),
    "late": Variant(
        what=f"answers its product string after {_LATE} s",
        firmware=_product_late(_LATE),
        linux=Linux("waits"),
    ),
    "too-late": Variant(
        what=f"answers its product string after {_TOO_LATE:.0f} s",
        breaks=("strings", "strings cut short"),
        firmware=_product_late(_TOO_LATE),
        linux=Linux("takes the request back after 5 s, twice; then the device has no product name", product=""),
    ),
    "mute": Variant(
        what="never answers requests for its configuration",
        breaks=(
            "configuration descriptors", "configuration descriptors cut short",
            "configuration index beyond the last", "configuration values", "descriptors do not change",
            "length zero", "enumeration again and again",
        ),
        firmware=lambda _serial: behaviours.Mute(descriptor(DescriptorType.CONFIGURATION)),
        linux=Linux("gives up after four tries of 5 s", r"can't read configurations, error -110", None),
    ),
    "no-status": Variant(
        what="stalls GET_STATUS of the device",
        breaks=("status of the device", "answers shorter than asked for", "reset"),
        firmware=lambda _serial: behaviours.Stalling(request(0x80, Request.GET_STATUS)),
        linux=Linux("does not ask"),
    ),
    "no-qualifier": Variant(
        what="is at high speed and stalls the device qualifier",
        breaks=("device qualifier",),
        firmware=lambda _serial: behaviours.Stalling(_other_speed),
        linux=Linux("asks only devices at full speed"),
    ),
    "no-bos": Variant(
        what="is of USB 2.01 and has no binary object store",
        breaks=("binary object store", "device capabilities"),
        change=descriptions.store_promised,
        linux=Linux("goes on without", r"unable to get BOS descriptor"),
    ),
    "other-packet-size": Variant(
        what="has bMaxPacketSize0 32 at high speed, where it is 64",
        breaks=("device descriptor",),
        change=descriptions.device(max_packet_size0=32),
        linux=Linux("believes it", r"Using ep0 maxpacket: 32"),
    ),
    "bad-packet-size": Variant(
        what="has bMaxPacketSize0 7",
        breaks=("device descriptor",),
        change=descriptions.device(max_packet_size0=7),
        linux=Linux("gives up after four tries", r"device descriptor read/64, error -71", None),
    ),
    "extra-endpoint": Variant(
        what="has one endpoint more than bNumEndpoints says",
        breaks=("endpoint counts",),
        change=descriptions.extra_endpoint,
        linux=Linux(
            "the endpoint does not exist",
            r"interface 0 altsetting 0 has 2 endpoint descriptors, different from .* value: 1",
        ),
    ),
    "duplicate-endpoint": Variant(
        what="has the same endpoint twice",
        breaks=("endpoint addresses",),
        change=descriptions.duplicate_endpoint,
        linux=Linux("the first one counts", r"has a duplicate endpoint with address 0x81, skipping"),
    ),
    "interval-zero": Variant(
        what="has an interrupt endpoint with bInterval 0",
        breaks=("intervals",),
        change=descriptions.interval_zero,
        linux=Linux("polls it every 8 ms", r"endpoint 0x81 has an invalid bInterval 0, changing to 7"),
    ),
    "twice": Variant(
        what="stalls every other SET_INTERFACE",
        breaks=(
            "status of interfaces", "status of endpoints", "alternate settings", "halted endpoints",
            "halts end with set configuration", "halts end with set interface",
        ),
        firmware=lambda _serial: behaviours.Twice(),
        linux=Linux("tells the driver (EPIPE), which may try again"),
    ),
    "no-idle": Variant(
        what="never answers SET_IDLE",
        firmware=lambda _serial: behaviours.Mute(request(0x21, _SET_IDLE)),
        linux=Linux("usbhid takes the request back after 5 s and binds"),
    ),
    "garbage-report": Variant(
        what="has a HID report descriptor that is none",
        firmware=lambda _serial: AwkwardFirmware(_GARBAGE),
        linux=Linux("no HID driver binds", r"probe with driver hid-generic failed with error -22"),
    ),
    "departing": Variant(
        what="leaves the bus at a vendor request, and comes back",
        firmware=behaviours.Departing,
        linux=Linux("the request fails (ESHUTDOWN), the device is gone", r"USB disconnect"),
    ),
}  # fmt: skip
"""By the value of the option ``how``."""
