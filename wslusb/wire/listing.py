"""What a host has, as it crosses the wire: listed devices with their states, and the answer to an enumeration."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import ClassVar

from ..usb.ids import Speed
from ..usb.info import DeviceInfo
from ..usb.urb import Buffer
from . import limits
from .fields import Reader, Writer, meaningless
from .frame import MessageType

__all__ = ["DeviceState", "EnumerationAnswer", "Listed"]

_DEVICE_DESCRIPTOR = 255
"""The most that bLength of a device descriptor can say; it is 18 in fact."""


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
            raise meaningless("state", state)
        return cls(info, DeviceState(state), reader.text())


def _speed(number: int) -> Speed:
    if number > Speed.SUPER_PLUS:
        raise meaningless("speed", number)
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
