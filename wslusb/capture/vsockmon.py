"""What goes over a connection as records of link type 271: Linux' ``struct af_vsockmon_hdr`` and the bytes after it.

The layout is that of include/uapi/linux/vsockmon.h, little-endian; Wireshark and tcpdump know it. A record holds the
bytes of one send or one receive: messages may be cut anywhere. The host's end has the protocol's port, whatever the
transport, which tells the two directions apart.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from ..usb.urb import Buffer
from ..wire.frame import PORT

__all__ = ["HEADER_SIZE", "Chunk", "End", "from_guest", "from_host", "read"]

_HEADER = struct.Struct("<QQIIHHH2x")
HEADER_SIZE = _HEADER.size
_PAYLOAD = 4
"""AF_VSOCK_OP_PAYLOAD."""
_NO_INFO = 1
"""AF_VSOCK_TRANSPORT_NO_INFO: no header of the transport lies between."""
HOST_CID = 2
"""VMADDR_CID_HOST."""


@dataclass(slots=True, frozen=True)
class End:
    """One end of a connection: context identifier and port."""

    cid: int
    port: int


@dataclass(slots=True)
class Chunk:
    """What one record says: bytes that went from ``source`` to ``destination``."""

    source: End
    destination: End
    data: bytes

    @property
    def to_host(self) -> bool:
        """Whether the guest sent it."""
        return self.destination.port == PORT


def from_host(guest: End) -> bytes:
    """The header of what the host sent to a guest."""
    return _header(End(HOST_CID, PORT), guest)


def from_guest(guest: End) -> bytes:
    """The header of what a guest sent to the host."""
    return _header(guest, End(HOST_CID, PORT))


def _header(source: End, destination: End) -> bytes:
    return _HEADER.pack(source.cid, destination.cid, source.port, destination.port, _PAYLOAD, _NO_INFO, 0)


def read(record: Buffer) -> Chunk | None:
    """A record's payload; None for one that carries none (a connection that opens or closes) or is cut short."""
    if len(record) < HEADER_SIZE:
        return None
    source, destination, source_port, destination_port, operation, _transport, size = _HEADER.unpack_from(record)
    start = HEADER_SIZE + size
    if operation != _PAYLOAD or start > len(record):
        return None
    return Chunk(End(source, source_port), End(destination, destination_port), bytes(record[start:]))
