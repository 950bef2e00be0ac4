"""The calls of /dev/raw-gadget as numbers and bytes (include/uapi/linux/usb/raw_gadget.h)."""

from __future__ import annotations

import enum
import struct

from wslusb.usb.descriptors import Endpoint
from wslusb.usb.ids import Speed

__all__ = ["EVENT_HEADER", "IO_HEADER", "Call", "Event", "enable", "init"]

_NAME = 128
EVENT_HEADER = struct.Struct("=II")
"""``struct usb_raw_event``: type, length; the data comes after it."""
IO_HEADER = struct.Struct("=HHI")
"""``struct usb_raw_ep_io``: endpoint handle, flags, length; the data comes after it."""
_DESCRIPTOR = struct.Struct("<BBBBHBBB")
"""``struct usb_endpoint_descriptor``, with the two bytes that only audio endpoints use."""


class Event(enum.IntEnum):
    """``enum usb_raw_event_type``."""

    CONNECT = 1
    CONTROL = 2
    SUSPEND = 3
    RESUME = 4
    RESET = 5
    DISCONNECT = 6


def _call(direction: int, number: int, size: int = 0) -> int:
    """``_IOC`` of asm-generic/ioctl.h; direction 1 writes, 2 reads, 3 does both."""
    return direction << 30 | size << 16 | ord("U") << 8 | number


class Call(enum.IntEnum):
    """The ioctl numbers."""

    INIT = _call(1, 0, 2 * _NAME + 1)
    RUN = _call(0, 1)
    EVENT_FETCH = _call(2, 2, EVENT_HEADER.size)
    EP0_WRITE = _call(1, 3, IO_HEADER.size)
    EP0_READ = _call(3, 4, IO_HEADER.size)
    EP_ENABLE = _call(1, 5, _DESCRIPTOR.size)
    EP_DISABLE = _call(1, 6, 4)
    EP_WRITE = _call(1, 7, IO_HEADER.size)
    EP_READ = _call(3, 8, IO_HEADER.size)
    CONFIGURE = _call(0, 9)
    VBUS_DRAW = _call(1, 10, 4)
    EP0_STALL = _call(0, 12)
    EP_SET_HALT = _call(1, 13, 4)
    EP_CLEAR_HALT = _call(1, 14, 4)


def init(driver: str, device: str, speed: Speed) -> bytes:
    """``struct usb_raw_init``; :class:`Speed` has the kernel's numbers. ValueError for a name that does not fit."""
    names = [name.encode() for name in (driver, device)]
    if max(map(len, names)) >= _NAME:
        raise ValueError(f"the name of a controller has at most {_NAME - 1} bytes")
    return names[0].ljust(_NAME, b"\0") + names[1].ljust(_NAME, b"\0") + bytes((speed,))


def enable(endpoint: Endpoint) -> bytes:
    """``struct usb_endpoint_descriptor``."""
    return _DESCRIPTOR.pack(
        7, 5, endpoint.address, endpoint.attributes, endpoint.max_packet_size, endpoint.interval, 0, 0
    )
