"""Cancels and their answers: two or three numbers each, since a kernel that unlinks does so by the hundred."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar

from ..errors import PeerError, PeerReason
from ..usb.urb import Buffer
from .fields import meaningless
from .frame import MessageType

__all__ = ["Cancel", "CancelAnswer"]

_CANCEL = struct.Struct("<I")
_CANCEL_ANSWER = struct.Struct("<II")


@dataclass(slots=True)
class Cancel:
    """Ask for the URB with sequence number ``target`` to be given back."""

    TYPE: ClassVar = MessageType.CANCEL

    target: int

    def pack(self) -> bytes:
        """The payload."""
        return _CANCEL.pack(self.target)

    @classmethod
    def unpack(cls, payload: Buffer) -> Cancel:
        """Read a cancel."""
        return cls(*_unpack(_CANCEL, payload))


@dataclass(slots=True)
class CancelAnswer:
    """Comes after the URB's own response. ``won``: that response said cancelled; otherwise it had completed."""

    TYPE: ClassVar = MessageType.CANCEL

    target: int
    won: bool

    def pack(self) -> bytes:
        """The payload."""
        return _CANCEL_ANSWER.pack(self.target, self.won)

    @classmethod
    def unpack(cls, payload: Buffer) -> CancelAnswer:
        """Read an answer."""
        target, won = _unpack(_CANCEL_ANSWER, payload)
        if won > 1:
            raise meaningless("outcome", won)
        return cls(target, bool(won))


def _unpack(layout: struct.Struct, payload: Buffer) -> tuple[int, ...]:
    if len(payload) != layout.size:
        raise PeerError(PeerReason.MALFORMED, f"{len(payload)} bytes where {layout.size} belong")
    return layout.unpack(payload)
