"""One attached device that can be captured, and who listens to it at the moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from ..usb.info import DeviceInfo
from ..usb.urb import Buffer, Completion, Urb
from . import usbmon
from .sink import Kind, Sink
from .usbmon import Place
from .vsockmon import End

__all__ = ["FrameTap", "Point", "TappedDevice", "TappedLink"]

FrameTap = Callable[[bool, Sequence[Buffer]], None]
"""Told of whole frames: whether they were sent (or received), and their bytes in parts."""


class TappedDevice(Protocol):
    """A device that tells what it is asked; see :class:`wslusb.device.tapped.Tapped`."""

    def listen(self, tap: Point | None) -> None:
        """From now on, tell ``tap``."""


class TappedLink(Protocol):
    """A link that tells what goes over it; see :class:`wslusb.transport.link.Link`."""

    tap: FrameTap | None


class Point:
    """A device from its attach to its detach. Everything here may be called from any thread and never blocks.

    ``place`` is the bus and the address that its records carry; ``guest`` the guest's end of its link.
    """

    def __init__(
        self, info: DeviceInfo, place: Place, guest: End, device: TappedDevice, link: TappedLink, *, is_host: bool
    ) -> None:
        self.info = info
        self.place = place
        self.guest = guest
        self._device = device
        self._link = link
        self._sent, self._received = (Kind.FROM_HOST, Kind.FROM_GUEST) if is_host else (Kind.FROM_GUEST, Kind.FROM_HOST)
        self._sinks: tuple[Sink, ...] = ()
        self._comment = ""

    def listen(self, sinks: tuple[Sink, ...]) -> None:
        """From now on, these are told. With none, the taps are taken off."""
        self._sinks = sinks
        self._device.listen(self if sinks else None)
        self._link.tap = self.frames if sinks else None

    def submitted(self, urb: Urb) -> None:
        """A URB is on its way to the device."""
        if sinks := self._with_room(Kind.URB):
            now = time.time_ns()
            self._record(sinks, now, usbmon.submitted(urb, self.place, now))

    def completed(self, completion: Completion) -> None:
        """It has come back."""
        if sinks := self._with_room(Kind.URB):
            now = time.time_ns()
            self._record(sinks, now, usbmon.completed(completion, self.place, now))

    def note(self, text: str) -> None:
        """Something that is no URB: it becomes a comment of the next record."""
        self._comment = text

    def frames(self, sent: bool, parts: Sequence[Buffer]) -> None:
        """Whole frames went over the link."""
        kind = self._sent if sent else self._received
        if sinks := self._with_room(kind):
            now, data = time.time_ns(), b"".join(parts)
            for sink in sinks:
                sink.put(self, kind, now, data)

    def _with_room(self, kind: Kind) -> list[Sink]:
        return [sink for sink in self._sinks if not (sink.full and sink.skip(self, kind))]

    def _record(self, sinks: Sequence[Sink], now: int, parts: Sequence[Buffer]) -> None:
        data, comment = b"".join(parts), self._comment
        if comment:
            self._comment = ""
        for sink in sinks:
            sink.put(self, Kind.URB, now, data, comment)
