"""The small numbers of USB: speeds, transfer types, directions, descriptor types and class codes."""

from __future__ import annotations

import enum

__all__ = ["DIR_IN", "ClassCode", "DescriptorType", "Speed", "TransferType", "is_in"]

DIR_IN = 0x80
"""Direction bit of bEndpointAddress and bmRequestType: set is device to host (USB 2.0, 9.3 and 9.6.6)."""


def is_in(address: int) -> bool:
    """Whether an endpoint address, or a bmRequestType, points from the device to the host."""
    return address & DIR_IN != 0


class Speed(enum.IntEnum):
    """Speed of a device. The numbers are those of Linux' ``enum usb_device_speed`` and of USB/IP."""

    UNKNOWN = 0
    LOW = 1
    FULL = 2
    HIGH = 3
    WIRELESS = 4
    SUPER = 5
    SUPER_PLUS = 6


class TransferType(enum.IntEnum):
    """Transfer type of an endpoint: bits 1..0 of bmAttributes (USB 2.0, table 9-13)."""

    CONTROL = 0
    ISOCHRONOUS = 1
    BULK = 2
    INTERRUPT = 3


class DescriptorType(enum.IntEnum):
    """bDescriptorType (USB 2.0, table 9-5; USB 3.2, table 9-6)."""

    DEVICE = 1
    CONFIGURATION = 2
    STRING = 3
    INTERFACE = 4
    ENDPOINT = 5
    DEVICE_QUALIFIER = 6
    OTHER_SPEED_CONFIGURATION = 7
    INTERFACE_ASSOCIATION = 11
    BOS = 15
    DEVICE_CAPABILITY = 16
    HID = 0x21
    SS_ENDPOINT_COMPANION = 48


class ClassCode(enum.IntEnum):
    """The class codes that this project treats specially (usb.org, "Defined Class Codes")."""

    AUDIO = 1
    COMMUNICATIONS = 2
    HID = 3
    PRINTER = 7
    MASS_STORAGE = 8
    HUB = 9
    CDC_DATA = 10
    SMART_CARD = 11
    VIDEO = 14
    WIRELESS = 0xE0
    APPLICATION = 0xFE
    VENDOR = 0xFF
