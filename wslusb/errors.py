"""Errors that say who is to blame.

LocalError   a bug or a misuse on this side
PeerError    the other end of the connection broke the protocol
DeviceError  the USB device, or the system that owns it, said no

Each carries a typed ``reason``, so that callers decide on a value and never on a text. The text is one line for a
person and, where there is one, ``hint`` is what to do next.
"""

from __future__ import annotations

import enum

__all__ = ["DeviceError", "LocalError", "LocalReason", "PeerError", "PeerReason", "WslusbError"]


class LocalReason(enum.Enum):
    """Why something could not be done on this side."""

    BAD_ADDRESS = "the address is not understood"
    BAD_DESCRIPTOR = "the descriptor is not well formed"
    BAD_STATE = "the operation does not fit the state"
    AMBIGUOUS = "the name fits more than one device"
    NOT_FOUND = "no device has that name"
    NOT_RUNNING = "the service or agent is not running"
    ACCESS_DENIED = "permission was denied"
    ALREADY_RUNNING = "the service or agent is running already"
    MISSING = "something that is needed is not installed"
    UNSUPPORTED = "this system cannot do that"
    TIMEOUT = "it took too long"
    REFUSED = "the other side refused"
    DISCONNECTED = "the connection is gone"


class PeerReason(enum.IntEnum):
    """How a peer broke the protocol. The numbers are on the wire, in Error frames (docs/protocol.md)."""

    MALFORMED = 1
    OVERSIZED = 2
    OUT_OF_ORDER = 3
    DUPLICATE = 4
    UNKNOWN_TYPE = 5
    UNKNOWN_SEQUENCE = 6
    BAD_HANDLE = 7
    BAD_STATE = 8
    VERSION = 9
    TIMEOUT = 10
    CREDIT = 11
    BAD_ANSWER = 12
    BAD_TOKEN = 13
    TRUNCATED = 14
    LIMIT = 15
    INTERNAL = 16


class WslusbError(Exception):
    """Base of all errors that this package raises on purpose."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class LocalError(WslusbError):
    """A bug or a misuse on this side."""

    def __init__(self, reason: LocalReason, message: str = "", *, hint: str = "") -> None:
        super().__init__(message or reason.value, hint=hint)
        self.reason = reason


class PeerError(WslusbError):
    """The other side broke the protocol. It ends that connection, and nothing else."""

    def __init__(self, reason: PeerReason, message: str) -> None:
        super().__init__(f"{reason.name.lower().replace('_', ' ')}: {message}")
        self.reason = reason


class DeviceError(WslusbError):
    """The device, or the system that owns it, refused. ``status`` is a :class:`wslusb.usb.urb.Status` number."""

    def __init__(self, status: int, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status
