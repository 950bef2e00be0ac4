"""Numbers of DFU 1.1: requests (table 3.2), states and status codes (6.1.2), the functional descriptor (4.1.3)."""

from __future__ import annotations

import enum
import struct

__all__ = ["Attribute", "Request", "State", "Status", "functional_descriptor", "status_reply"]

_DFU_FUNCTIONAL = 0x21
_RELEASE = 0x0110


class Request(enum.IntEnum):
    """bRequest; class requests to the DFU interface."""

    DETACH = 0
    DNLOAD = 1
    UPLOAD = 2
    GETSTATUS = 3
    CLRSTATUS = 4
    GETSTATE = 5
    ABORT = 6


class State(enum.IntEnum):
    """bState."""

    APP_IDLE = 0
    APP_DETACH = 1
    IDLE = 2
    DNLOAD_SYNC = 3
    DNBUSY = 4
    DNLOAD_IDLE = 5
    MANIFEST_SYNC = 6
    MANIFEST = 7
    MANIFEST_WAIT_RESET = 8
    UPLOAD_IDLE = 9
    ERROR = 10


class Status(enum.IntEnum):
    """bStatus, as far as this device has a use for them."""

    OK = 0x00
    ADDRESS = 0x08
    """The image does not fit, or a block does not follow the one before."""
    STALLED_PACKET = 0x0F
    """A request that the state does not allow."""


class Attribute(enum.IntFlag):
    """bmAttributes of the functional descriptor."""

    CAN_DOWNLOAD = 1
    CAN_UPLOAD = 2
    MANIFESTATION_TOLERANT = 4
    WILL_DETACH = 8


def functional_descriptor(attributes: Attribute, detach_milliseconds: int, transfer_size: int) -> bytes:
    """Follows the interface descriptor, in both modes."""
    return struct.pack("<BBBHHH", 9, _DFU_FUNCTIONAL, attributes, detach_milliseconds, transfer_size, _RELEASE)


def status_reply(status: Status, state: State, milliseconds: int = 0) -> bytes:
    """Six bytes of GETSTATUS: the host asks again after so many ms, no earlier."""
    return bytes((status, *milliseconds.to_bytes(3, "little"), state, 0))
