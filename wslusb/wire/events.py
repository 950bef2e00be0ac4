"""Events: what the host tells of its devices and wants of a guest, and the guest's report on that."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import ClassVar

from ..usb.urb import Buffer
from . import limits
from .fields import Reader, Writer, meaningless
from .frame import MessageType

__all__ = ["KEEP", "Event", "EventKind"]


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


KEEP = "keep"
"""The message of an ATTACH_WANTED that is to last: attach the device again whenever it comes back."""


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
            raise meaningless("event kind", kind)
        self = cls(EventKind(kind), reader.text(), reader.u32(), reader.u32(), reader.text())
        self.nodes = tuple(reader.text() for _ in range(reader.count(limits.NODES)))
        reader.end()
        return self
