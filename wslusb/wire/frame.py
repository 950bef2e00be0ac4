"""The 16-byte header of every message, and the buffer that cuts a byte stream into frames.

The header is the one of the WSL proposal (microsoft/WSL#13557), little-endian: type, payload size, sequence number,
reserved. ``reserved`` carries the device handle once a device is attached and is 0 otherwise.
"""

from __future__ import annotations

import enum
import struct
from typing import NamedTuple

from ..errors import PeerError, PeerReason
from . import limits
from .buffer import BUFFER_SIZE, ReceiveBuffer

__all__ = ["HEADER", "PORT", "SERVICE_ID", "Frame", "FrameBuffer", "MessageType", "next_sequence", "pack_header"]

PORT = 0x5553422
"""The vsock port: "USB" and a bit."""
SERVICE_ID = "05553422-facb-11e6-bd58-64006a7986d3"
"""The same port as a Hyper-V socket service GUID (Microsoft, "Make your own integration services")."""

HEADER = struct.Struct("<IIII")


class MessageType(enum.IntEnum):
    """Message types. 1 to 6 and 0xFF are the proposal's, the others this project's."""

    ENUMERATION = 0x01
    ATTACH = 0x02
    DETACH = 0x03
    URB_REQUEST = 0x04
    URB_RESPONSE = 0x05
    EVENT = 0x06
    HELLO = 0x07
    CANCEL = 0x08
    RESET = 0x09
    PING = 0x0A
    PONG = 0x0B
    ERROR = 0xFF


class Frame(NamedTuple):
    """One message as it was cut from the stream. ``payload`` is a view that the next read overwrites."""

    type: int
    sequence: int
    handle: int
    payload: memoryview


def pack_header(kind: int, payload_size: int, sequence: int, handle: int = 0) -> bytes:
    """The 16 bytes in front of a payload."""
    return HEADER.pack(kind, payload_size, sequence, handle)


def next_sequence(sequence: int) -> int:
    """The number that a sender uses after ``sequence``: 0 is for unsolicited messages and is left out."""
    return sequence + 1 & 0xFFFFFFFF or 1


class FrameBuffer(ReceiveBuffer):
    """Cuts a byte stream into frames, copying nothing that arrived whole.

    After :meth:`received`, frames are taken with :meth:`next` until it gives None.
    """

    __slots__ = ("max_payload",)

    def __init__(self, max_payload: int = limits.HELLO_PAYLOAD, *, size: int = BUFFER_SIZE) -> None:
        super().__init__(size)
        self.max_payload = max_payload

    def next(self) -> Frame | None:
        """The next whole frame, or None. PeerError if its size is beyond :attr:`max_payload`."""
        start = self._start
        have = self._end - start
        if have < 16:
            return None
        kind, size, sequence, handle = HEADER.unpack_from(self._data, start)
        if size > self.max_payload:
            raise PeerError(
                PeerReason.OVERSIZED, f"type {kind:#x} announces {size} bytes, {self.max_payload} are allowed"
            )
        if have < 16 + size:
            self._expect(16 + size)
            return None
        self._start = start + 16 + size
        return Frame(kind, sequence, handle, self._view[start + 16 : start + 16 + size])

    @property
    def missing(self) -> int:
        """Bytes that the frame at hand still lacks; 0 when its size is not known yet or none has begun."""
        have = self._end - self._start
        if have < 16:
            return 0
        return max(0, 16 + int(HEADER.unpack_from(self._data, self._start)[1]) - have)
