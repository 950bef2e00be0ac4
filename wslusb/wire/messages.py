"""The messages of the control plane: hello, enumeration, attach, detach, reset, events, errors.

Every class has ``TYPE``, ``pack()`` -> payload and ``unpack(payload)``, which raises PeerError for anything that is not
exactly such a payload. Where request and response share a type (the proposal's rule for 1 to 3, kept for ours), the
direction tells them apart: requests go from the guest to the host. Layouts are in docs/protocol.md.
"""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass, field, replace
from typing import ClassVar

from ..errors import PeerError, PeerReason
from ..usb.ids import Speed
from ..usb.info import DeviceInfo
from ..usb.urb import Buffer
from . import limits
from .fields import Reader, Writer
from .frame import MessageType
from .limits import Limits

__all__ = [
    "AttachAnswer",
    "AttachRequest",
    "Cancel",
    "CancelAnswer",
    "Capability",
    "DeviceState",
    "EnumerationAnswer",
    "ErrorMessage",
    "Event",
    "EventKind",
    "Hello",
    "Listed",
    "Purpose",
    "StatusAnswer",
]

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


_DEVICE_DESCRIPTOR = 255
"""The most that bLength of a device descriptor can say; it is 18 in fact."""


def _reject(kind: str, value: int) -> PeerError:
    return PeerError(PeerReason.MALFORMED, f"{kind} {value} means nothing")


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
            raise _reject("purpose", purpose)
        lim = Limits(reader.u32(), reader.u32(), reader.u32(), reader.u32())
        if not (lim.transfer and lim.urbs and lim.bytes_in_flight):
            raise PeerError(PeerReason.LIMIT, "a limit of 0 leaves nothing to do")
        size = reader.u8()
        if size not in (0, 16):
            raise _reject("token size", size)
        return cls(Purpose(purpose), capabilities, lim, reader.raw(size), reader.text(), oldest, newest)

    def version_with(self, other: Hello) -> int:
        """The newest version that both speak; PeerError if there is none."""
        version = min(self.newest, other.newest)
        if version < max(self.oldest, other.oldest):
            spoken = f"{other.oldest} to {other.newest}, here {self.oldest} to {self.newest}"
            raise PeerError(PeerReason.VERSION, f"the peer speaks protocol {spoken}: update the older side")
        return version


class DeviceState(enum.IntEnum):
    """State of a listed device, as ``wslusb list`` shows it."""

    NOT_SHARED = 0
    SHARED = 1
    ATTACHED = 2


@dataclass(slots=True)
class Listed:
    """One line of an enumeration: a device with its device descriptor, and its state."""

    info: DeviceInfo
    state: DeviceState
    owner: str = ""

    def write(self, out: Writer) -> None:
        """Append the entry."""
        info = self.info
        out.text(info.busid).u16(info.vendor).u16(info.product).u16(info.bcd_device)
        out.u8(info.device_class).u8(info.subclass).u8(info.protocol).u8(info.speed).u32(info.generation)
        out.text(info.manufacturer).text(info.product_name).text(info.serial).text(info.port_path)
        out.u8(info.active_configuration).blob(info.device_descriptor)
        out.u8(self.state).text(self.owner)

    @classmethod
    def read(cls, reader: Reader) -> Listed:
        """Read an entry."""
        busid, vendor, product, bcd = reader.text(), reader.u16(), reader.u16(), reader.u16()
        class_, subclass, protocol, speed = reader.u8(), reader.u8(), reader.u8(), reader.u8()
        generation = reader.u32()
        manufacturer, name, serial, port = reader.text(), reader.text(), reader.text(), reader.text()
        active, descriptor = reader.u8(), reader.blob(_DEVICE_DESCRIPTOR)
        info = DeviceInfo(
            busid=busid, vendor=vendor, product=product, bcd_device=bcd, device_class=class_, subclass=subclass,
            protocol=protocol, speed=_speed(speed), generation=generation, manufacturer=manufacturer,
            product_name=name, serial=serial, port_path=port, active_configuration=active, device_descriptor=descriptor,
        )  # fmt: skip
        state = reader.u8()
        if state > DeviceState.ATTACHED:
            raise _reject("state", state)
        return cls(info, DeviceState(state), reader.text())


def _speed(number: int) -> Speed:
    if number > Speed.SUPER_PLUS:
        raise _reject("speed", number)
    return Speed(number)


@dataclass(slots=True)
class EnumerationAnswer:
    """The devices that a guest may know of: shared ones. The request has no payload."""

    TYPE: ClassVar = MessageType.ENUMERATION

    devices: list[Listed]

    def pack(self) -> bytes:
        """The payload."""
        out = Writer().u16(min(len(self.devices), limits.DEVICES))
        for listed in self.devices[: limits.DEVICES]:
            listed.write(out)
        return out.done()

    @classmethod
    def unpack(cls, payload: Buffer) -> EnumerationAnswer:
        """Read the list."""
        reader = Reader(payload)
        self = cls([Listed.read(reader) for _ in range(reader.count(limits.DEVICES))])
        reader.end()
        return self


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


class EventKind(enum.IntEnum):
    """What a DeviceEvent tells. 1 to 5 go to the guest, 6 to 8 are its report on 4 and 5."""

    ARRIVED = 1
    LEFT = 2
    CHANGED = 3
    ATTACH_WANTED = 4
    DETACH_WANTED = 5
    ATTACHED = 6
    DETACHED = 7
    FAILED = 8


@dataclass(slots=True)
class Event:
    """Something happened to a device, or is wanted of it. Unsolicited: sequence 0.

    ``ticket`` ties a report to what was wanted (0: nobody asked). ``nodes`` are the device nodes in the guest.
    """

    TYPE: ClassVar = MessageType.EVENT

    kind: EventKind
    busid: str
    ticket: int = 0
    generation: int = 0
    message: str = ""
    nodes: tuple[str, ...] = ()

    def pack(self) -> bytes:
        """The payload."""
        out = Writer().u8(self.kind).text(self.busid).u32(self.ticket).u32(self.generation).text(self.message)
        out.u16(len(nodes := self.nodes[: limits.NODES]))
        for node in nodes:
            out.text(node)
        return out.done()

    @classmethod
    def unpack(cls, payload: Buffer) -> Event:
        """Read an event."""
        reader = Reader(payload)
        kind = reader.u8()
        if not EventKind.ARRIVED <= kind <= EventKind.FAILED:
            raise _reject("event kind", kind)
        self = cls(EventKind(kind), reader.text(), reader.u32(), reader.u32(), reader.text())
        self.nodes = tuple(reader.text() for _ in range(reader.count(limits.NODES)))
        reader.end()
        return self


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
            raise _reject("outcome", won)
        return cls(target, bool(won))


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


def _unpack(layout: struct.Struct, payload: Buffer) -> tuple[int, ...]:
    if len(payload) != layout.size:
        raise PeerError(PeerReason.MALFORMED, f"{len(payload)} bytes where {layout.size} belong")
    return layout.unpack(payload)
