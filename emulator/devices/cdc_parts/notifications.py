"""The interrupt endpoint of a communications interface (CDC 1.2, 6.3; PSTN 1.2, 6.5; ECM 1.2, 6.3)."""

from __future__ import annotations

import enum
import struct
from collections.abc import Callable

from ...firmware import InHandler

__all__ = ["Notification", "Notifications"]

_HEADER = struct.Struct("<BBHHH")
_CLASS_FROM_INTERFACE = 0xA1


class Notification(enum.IntEnum):
    """bNotification."""

    NETWORK_CONNECTION = 0x00
    SERIAL_STATE = 0x20
    CONNECTION_SPEED_CHANGE = 0x2A


class Notifications(InHandler):
    """Tells the host what is due, oldest kind first, once it asks.

    One that the host has not asked for yet is told once, as things are by then: ``content`` is called when it is asked
    for, and answers wValue and the data.
    """

    def __init__(self, interface: int) -> None:
        self._interface = interface
        self._due: dict[Notification, Callable[[], tuple[int, bytes]]] = {}

    def notify(self, code: Notification, content: Callable[[], tuple[int, bytes]]) -> None:
        """Something has changed."""
        self._due[code] = content
        self.pipe.resume()

    def wanted(self, room: int) -> None:  # noqa: ARG002
        """See :class:`emulator.firmware.InHandler`."""
        if not self._due:
            return
        code = next(iter(self._due))
        value, data = self._due.pop(code)()
        self.pipe.send(_HEADER.pack(_CLASS_FROM_INTERFACE, code, value, self._interface, len(data)) + data)
