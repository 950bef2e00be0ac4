"""What follows an answer that does not end with its line: messages of a kind, a length and bytes, until the last one.

Whoever asked ends it by closing its half of the socket; the answer then comes to its own end.
"""

from __future__ import annotations

import enum
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from .messages import Json

__all__ = ["MessageKind", "Streamed", "pack", "receive"]

_HEAD = struct.Struct("<BI")
_CHUNK = 1 << 18


class MessageKind(enum.IntEnum):
    """What a message's bytes are."""

    DATA = 1
    """The next bytes of the file."""
    STATE = 2
    """How far it is, as JSON."""
    END = 3
    """Likewise; nothing comes after it."""


@dataclass(slots=True)
class Streamed:
    """An answer that goes on: its line, and what to do with the socket then, on the client's own thread."""

    run: Callable[[socket.socket], None]
    answer: Json = field(default_factory=dict)


def pack(kind: MessageKind, data: bytes) -> bytes:
    """One message."""
    return _HEAD.pack(kind, len(data)) + data


def receive(sock: socket.socket) -> Iterator[tuple[MessageKind, bytes]]:
    """The messages, up to the last one or to where the connection ends."""
    buffer = bytearray()
    while True:
        while len(buffer) >= _HEAD.size:
            kind, size = _HEAD.unpack_from(buffer)
            end = _HEAD.size + size
            if len(buffer) < end:
                break
            yield MessageKind(kind), bytes(buffer[_HEAD.size : end])
            if kind == MessageKind.END:
                return
            del buffer[:end]
        if not (data := sock.recv(_CHUNK)):
            return
        buffer += data
