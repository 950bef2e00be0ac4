"""The messages that make and end a connection: hello, attach, status, error.

Here and in ``listing``, ``events`` and ``cancels`` every class has ``TYPE``, ``pack()`` -> payload and
``unpack(payload)``, which raises PeerError for anything that is not exactly such a payload. Where request and response
share a type (the proposal's rule for 1 to 3, kept for ours), the direction tells them apart: requests go from the guest
to the host. Layouts are in docs/protocol.md.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, replace
from typing import ClassVar

from ..errors import PeerError, PeerReason
from ..usb.info import DeviceInfo
from ..usb.urb import Buffer
from . import limits
from .fields import Reader, Writer, meaningless
from .frame import MessageType
from .limits import Limits
from .listing import DeviceState, Listed

__all__ = ["AttachAnswer", "AttachRequest", "Capability", "ErrorMessage", "Hello", "Purpose", "StatusAnswer"]

MAGIC = b"wslusb\r\n"
VERSION = 1
"""The protocol version spoken here; :class:`Hello` carries the oldest and the newest that a side can speak."""


class Capability(enum.IntFlag):
    """What a side can do beyond version 1. Unknown bits are ignored."""

    KERNEL = 0x1
    """Guest: can put devices into its kernel, so it may be asked to attach (an agent, not a program)."""
    EXTENSIONS = 0x2
    """Skips message types 0x40 to 0x7F that it does not know. Sent only where both sides have this."""


class Purpose(enum.IntEnum):
    """What a connection is for."""

    CONTROL = 0
    DATA = 1


@dataclass(slots=True)
class Hello:
    """The first message of either side on every connection.

    ``token`` is empty on a control connection's way in, the session's 16 bytes in its answer and on data connections:
    it ties a guest's connections together. ``name`` says who speaks, for logs.
    """

    TYPE: ClassVar = MessageType.HELLO

    purpose: Purpose = Purpose.CONTROL
    capabilities: int = 0
    limits: Limits = field(default_factory=Limits)
    token: bytes = b""
    name: str = ""
    oldest: int = VERSION
    newest: int = VERSION

    def pack(self) -> bytes:
        """The payload."""
        out = Writer().raw(MAGIC).u16(self.oldest).u16(self.newest).u8(self.purpose).u32(self.capabilities)
        lim = self.limits
        out.u32(lim.transfer).u32(lim.iso_packets).u32(lim.urbs).u32(lim.bytes_in_flight)
        return out.u8(len(self.token)).raw(self.token).text(self.name).done()

    @classmethod
    def unpack(cls, payload: Buffer) -> Hello:
        """Read a hello; bytes after the name are a newer version's and are ignored."""
        reader = Reader(payload)
        if reader.raw(len(MAGIC)) != MAGIC:
            raise PeerError(PeerReason.MALFORMED, "this is not a wslusb hello")
        oldest, newest, purpose, capabilities = reader.u16(), reader.u16(), reader.u8(), reader.u32()
        if purpose not in (Purpose.CONTROL, Purpose.DATA):
            raise meaningless("purpose", purpose)
        lim = Limits(reader.u32(), reader.u32(), reader.u32(), reader.u32())
        if not (lim.transfer and lim.urbs and lim.bytes_in_flight):
            raise PeerError(PeerReason.LIMIT, "a limit of 0 leaves nothing to do")
        size = reader.u8()
        if size not in (0, 16):
            raise meaningless("token size", size)
        return cls(Purpose(purpose), capabilities, lim, reader.raw(size), reader.text(), oldest, newest)

    def version_with(self, other: Hello) -> int:
        """The newest version that both speak; PeerError if there is none."""
        version = min(self.newest, other.newest)
        if version < max(self.oldest, other.oldest):
            spoken = f"{other.oldest} to {other.newest}, here {self.oldest} to {self.newest}"
            raise PeerError(PeerReason.VERSION, f"the peer speaks protocol {spoken}: update the older side")
        return version


@dataclass(slots=True)
class AttachRequest:
    """Ask for a device on this data connection. ``generation`` 0 takes whatever is plugged in there now."""

    TYPE: ClassVar = MessageType.ATTACH

    busid: str
    generation: int = 0

    def pack(self) -> bytes:
        """The payload."""
        return Writer().text(self.busid).u32(self.generation).done()

    @classmethod
    def unpack(cls, payload: Buffer) -> AttachRequest:
        """Read a request."""
        reader = Reader(payload)
        self = cls(reader.text(), reader.u32())
        reader.end()
        return self


@dataclass(slots=True)
class AttachAnswer:
    """What came of it: a :class:`wslusb.usb.urb.Status` number and, if it is 0, the device with its descriptors.

    ``handle`` stands in the header's ``reserved`` of every later message about the device. ``urbs`` and ``size``
    (bytes) are the credits: how much may be in flight at once, both directions together.
    """

    TYPE: ClassVar = MessageType.ATTACH

    status: int
    message: str = ""
    handle: int = 0
    urbs: int = 0
    size: int = 0
    info: DeviceInfo | None = None

    def pack(self) -> bytes:
        """The payload."""
        out = Writer().u32(self.status).text(self.message)
        if self.info is None:
            return out.done()
        info = self.info
        out.u32(self.handle).u32(self.urbs).u32(self.size)
        Listed(info, DeviceState.ATTACHED).write(out)
        out.u16(len(info.configurations))
        for configuration in info.configurations:
            out.blob(configuration)
        return out.blob(info.bos).done()

    @classmethod
    def unpack(cls, payload: Buffer) -> AttachAnswer:
        """Read an answer."""
        reader = Reader(payload)
        status, message = reader.u32(), reader.text()
        if status:
            reader.end()
            return cls(status, message)
        handle, urbs, size = reader.u32(), reader.u32(), reader.u32()
        if not (handle and urbs and size):
            raise PeerError(PeerReason.MALFORMED, "an attached device has a handle and credits")
        info = Listed.read(reader).info
        left, configurations = limits.DESCRIPTORS, list[bytes]()
        for _ in range(reader.count(limits.CONFIGURATIONS)):
            configurations.append(reader.blob(left))
            left -= len(configurations[-1])
        bos = reader.blob(left)
        reader.end()
        return cls(status, message, handle, urbs, size, replace(info, configurations=tuple(configurations), bos=bos))


@dataclass(slots=True)
class StatusAnswer:
    """The answer to a detach or a reset: a status number and, if it is not 0, one line for a person."""

    status: int
    message: str = ""

    def pack(self) -> bytes:
        """The payload."""
        return Writer().u32(self.status).text(self.message).done()

    @classmethod
    def unpack(cls, payload: Buffer) -> StatusAnswer:
        """Read an answer."""
        reader = Reader(payload)
        self = cls(reader.u32(), reader.text())
        reader.end()
        return self


@dataclass(slots=True)
class ErrorMessage:
    """Why this side ends the connection: the last message on it. The numbers are :class:`PeerReason`'s."""

    TYPE: ClassVar = MessageType.ERROR

    reason: int
    message: str = ""

    def pack(self) -> bytes:
        """The payload."""
        return Writer().u32(self.reason).text(self.message).done()

    @classmethod
    def unpack(cls, payload: Buffer) -> ErrorMessage:
        """Read an error; an unknown reason is kept as the number it is."""
        reader = Reader(payload)
        self = cls(reader.u32(), reader.text())
        reader.end()
        return self
