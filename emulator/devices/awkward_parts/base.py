"""The device that breaks no rule, which all the others are made from.

===========  =======  ==================================================================
interface 0  alt 0    a HID with one byte of input (0x81, interrupt), bound by usbhid
interface 1  alt 0    vendor-specific, no endpoint
             alt 1    the same with bulk IN 0x82, which has nothing to say
===========  =======  ==================================================================
"""

from __future__ import annotations

from wslusb.usb.descriptors import Configuration, DeviceDescriptor, Endpoint, Interface
from wslusb.usb.ids import ClassCode, TransferType

from ...gadget import Gadget
from ..hid_parts.function import HidFirmware, hid_descriptor
from ..hid_parts.items import DATA_ABSOLUTE, Collection, Item, report_descriptor

__all__ = ["REPORT", "AwkwardFirmware", "awkward_gadget"]

_VENDOR_PAGE = 0xFF00

REPORT = report_descriptor([
    (Item.USAGE_PAGE, _VENDOR_PAGE), (Item.USAGE, 1), (Item.COLLECTION, Collection.APPLICATION), (Item.USAGE, 2),
    (Item.LOGICAL_MINIMUM, 0), (Item.LOGICAL_MAXIMUM, 127), (Item.REPORT_SIZE, 8), (Item.REPORT_COUNT, 1),
    (Item.INPUT, DATA_ABSOLUTE), (Item.END_COLLECTION, 0),
])  # fmt: skip


def awkward_gadget(serial: str = "AWKWARD0001") -> Gadget:
    """The description; nothing in it is wrong yet."""
    polled = Endpoint(0x81, TransferType.INTERRUPT, 8, 7)
    interfaces = [
        Interface(0, 0, ClassCode.HID, extra=[hid_descriptor(REPORT)], endpoints=[polled]),
        Interface(1, 0, ClassCode.VENDOR),
        Interface(1, 1, ClassCode.VENDOR, endpoints=[Endpoint(0x82, TransferType.BULK, 512)]),
    ]
    return Gadget(
        device=DeviceDescriptor(0x1209, 0x000D, 0x0200, manufacturer=1, product_string=2, serial=3),
        configurations=(Configuration(1, interfaces),),
        strings=("wslusb emulator", "Awkward", serial),
    )


class AwkwardFirmware(HidFirmware):
    """Behaviour; it breaks no rule yet."""

    def __init__(self, report: bytes = REPORT) -> None:
        super().__init__(report)

    def input_report(self) -> bytes:
        """Nothing is pressed."""
        return b"\0"
