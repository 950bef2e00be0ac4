"""Reading and writing the fields of the rarer messages, with every bound checked.

URBs have their own, faster code in :mod:`wslusb.wire.urbs`; these two are for what is sent a few times a session.
"""

from __future__ import annotations

import struct

from ..errors import PeerError, PeerReason
from ..printable import printable
from ..usb.urb import Buffer
from . import limits

__all__ = ["Reader", "Writer", "clip", "meaningless"]

_U8, _U16, _U32 = struct.Struct("<B"), struct.Struct("<H"), struct.Struct("<I")


def clip(text: str, size: int = limits.STRING) -> str:
    """``text`` made fit to be sent: printable, and at most ``size`` bytes of UTF-8, not cut inside a character."""
    return printable(text).encode(errors="replace")[:size].decode(errors="ignore")


def meaningless(kind: str, value: int) -> PeerError:
    """What to raise for a number that stands for nothing."""
    return PeerError(PeerReason.MALFORMED, f"{kind} {value} means nothing")


class Writer:
    """Builds a payload field by field."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def u8(self, value: int) -> Writer:
        """Append one byte."""
        return self.raw(_U8.pack(value))

    def u16(self, value: int) -> Writer:
        """Append two bytes, little-endian."""
        return self.raw(_U16.pack(value))

    def u32(self, value: int) -> Writer:
        """Append four bytes, little-endian."""
        return self.raw(_U32.pack(value))

    def raw(self, data: bytes) -> Writer:
        """Append bytes as they are."""
        self._parts.append(data)
        return self

    def text(self, text: str) -> Writer:
        """Append a u16 length and that much UTF-8, clipped to the limit."""
        return self.u16(len(data := clip(text).encode())).raw(data)

    def blob(self, data: bytes) -> Writer:
        """Append a u32 length and that many bytes."""
        return self.u32(len(data)).raw(data)

    def done(self) -> bytes:
        """The payload."""
        return b"".join(self._parts)


class Reader:
    """Takes a payload apart. Every short, long or malformed field is a PeerError."""

    def __init__(self, payload: Buffer) -> None:
        self._view = memoryview(payload)
        self._offset = 0

    def raw(self, size: int) -> bytes:
        """The next ``size`` bytes, copied."""
        end = self._offset + size
        if end > len(self._view):
            raise PeerError(PeerReason.TRUNCATED, f"{size} bytes expected at byte {self._offset} of {len(self._view)}")
        data = bytes(self._view[self._offset : end])
        self._offset = end
        return data

    def u8(self) -> int:
        """One byte."""
        return self.raw(1)[0]

    def u16(self) -> int:
        """Two bytes, little-endian."""
        return int.from_bytes(self.raw(2), "little")

    def u32(self) -> int:
        """Four bytes, little-endian."""
        return int.from_bytes(self.raw(4), "little")

    def text(self) -> str:
        """A string of the protocol: at most 256 bytes of valid UTF-8 with no control characters."""
        size = self.u16()
        if size > limits.STRING:
            raise PeerError(PeerReason.OVERSIZED, f"a string of {size} bytes, {limits.STRING} are allowed")
        try:
            text = self.raw(size).decode()
        except UnicodeDecodeError as error:
            raise PeerError(PeerReason.MALFORMED, "a string is not UTF-8") from error
        if not text.isprintable():
            # It ends up in logs and on terminals.
            raise PeerError(PeerReason.MALFORMED, "a string has unprintable characters")
        return text

    def blob(self, limit: int) -> bytes:
        """Bytes with a u32 length of at most ``limit``."""
        size = self.u32()
        if size > limit:
            raise PeerError(PeerReason.OVERSIZED, f"{size} bytes, {limit} are allowed")
        return self.raw(size)

    def count(self, limit: int) -> int:
        """A u16 number of things of at most ``limit``."""
        count = self.u16()
        if count > limit:
            raise PeerError(PeerReason.LIMIT, f"{count} entries, {limit} are allowed")
        return count

    def end(self) -> None:
        """Nothing may be left."""
        if self._offset != len(self._view):
            raise PeerError(PeerReason.MALFORMED, f"{len(self._view) - self._offset} bytes too many")
