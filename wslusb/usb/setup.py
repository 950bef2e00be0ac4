"""The SETUP packet of a control transfer, and which requests change a device's state (USB 2.0, 9.3 and 9.4)."""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass

from .ids import DIR_IN

__all__ = ["SETUP_SIZE", "Barrier", "Recipient", "Request", "RequestType", "Setup"]

SETUP_SIZE = 8
_SETUP = struct.Struct("<BBHHH")
_ENDPOINT_NUMBER = 0x0F
_ENDPOINT_HALT = 0


class RequestType(enum.IntEnum):
    """Bits 6..5 of bmRequestType, in place."""

    STANDARD = 0x00
    CLASS = 0x20
    VENDOR = 0x40


class Recipient(enum.IntEnum):
    """Bits 4..0 of bmRequestType."""

    DEVICE = 0
    INTERFACE = 1
    ENDPOINT = 2
    OTHER = 3


class Request(enum.IntEnum):
    """bRequest of the standard requests (USB 2.0, table 9-4; USB 3.2, table 9-5)."""

    GET_STATUS = 0
    CLEAR_FEATURE = 1
    SET_FEATURE = 3
    SET_ADDRESS = 5
    GET_DESCRIPTOR = 6
    SET_DESCRIPTOR = 7
    GET_CONFIGURATION = 8
    SET_CONFIGURATION = 9
    GET_INTERFACE = 10
    SET_INTERFACE = 11
    SYNCH_FRAME = 12
    SET_SEL = 48
    SET_ISOCH_DELAY = 49


class Barrier(enum.Enum):
    """A standard request that the system must know of, and that is therefore made through the device API."""

    SELECT_CONFIGURATION = enum.auto()
    SELECT_INTERFACE = enum.auto()
    CLEAR_HALT = enum.auto()


@dataclass(slots=True, eq=True)
class Setup:
    """The eight bytes that open a control transfer. ``length`` (wLength) is in bytes."""

    request_type: int
    request: int
    value: int
    index: int
    length: int

    @classmethod
    def unpack(cls, data: bytes | bytearray | memoryview, offset: int = 0) -> Setup:
        """Read a SETUP packet at ``offset``; ``struct.error`` if eight bytes are not there."""
        return cls(*_SETUP.unpack_from(data, offset))

    def pack(self) -> bytes:
        """The eight bytes as they go over the bus."""
        return _SETUP.pack(self.request_type, self.request, self.value, self.index, self.length)

    @property
    def is_in(self) -> bool:
        """Whether the data stage, if there is one, goes from the device to the host."""
        return self.request_type & DIR_IN != 0

    @property
    def kind(self) -> int:
        """Standard, class or vendor: a :class:`RequestType` number (0x60 is reserved by USB)."""
        return self.request_type & 0x60

    @property
    def recipient(self) -> int:
        """A :class:`Recipient` number (4 to 31 are reserved by USB)."""
        return self.request_type & 0x1F

    def barrier(self) -> Barrier | None:
        """The state change that this request asks for, or None.

        A raw control transfer would change the device behind the back of the system that owns it (the kernel would
        keep the old configuration and data toggles): Linux' own exporter treats the same three
        (drivers/usb/usbip/stub_rx.c, tweak_special_requests). Endpoint zero has no halt that anybody keeps, and a
        request about it goes the way of all others: done aside, it would overtake those that are queued before it.
        """
        if self.request_type == 0x00 and self.request == Request.SET_CONFIGURATION:
            return Barrier.SELECT_CONFIGURATION
        if self.request_type == 0x01 and self.request == Request.SET_INTERFACE:
            return Barrier.SELECT_INTERFACE
        if self.request_type == 0x02 and self.request == Request.CLEAR_FEATURE and self.value == _ENDPOINT_HALT:
            return Barrier.CLEAR_HALT if self.index & _ENDPOINT_NUMBER else None
        return None

    def is_get_descriptor(self, descriptor_type: int) -> bool:
        """Whether this is GET_DESCRIPTOR to the device, for the given descriptor type, any index."""
        return (
            self.request_type == DIR_IN
            and self.request == Request.GET_DESCRIPTOR
            and self.value >> 8 == descriptor_type
        )
