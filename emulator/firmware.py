"""What a virtual device does beyond chapter 9: the classes that a device's author derives from.

All methods are called with the device's lock held, one at a time, like the single thread of a small controller. They
answer at once or not at all (NAK): they never block. To act on its own, from another thread, a firmware's owner takes
``VirtualDevice.running()``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from wslusb.usb.setup import Setup
from wslusb.usb.urb import Buffer

if TYPE_CHECKING:
    from .gadget import Place
    from .iso import IsoPipe
    from .pipe import InPipe, OutPipe

__all__ = ["Firmware", "InHandler", "IsoHandler", "OutHandler"]


class InHandler:
    """Behaviour of a bulk or interrupt IN endpoint. The default sends only what others put in with ``pipe.send``."""

    pipe: InPipe

    def wanted(self, room: int) -> None:
        """The host is asking, ``room`` more bytes fit and nothing is queued: ``self.pipe.send`` now, or leave it be."""

    def drained(self) -> None:
        """All that was queued has been taken by the host."""

    def halt_cleared(self) -> None:
        """The host cleared the halt. Halt again here where a class wants it so."""


class OutHandler:
    """Behaviour of a bulk or interrupt OUT endpoint. The default swallows everything."""

    pipe: OutPipe

    def received(self, data: memoryview, end: bool) -> int | None:  # noqa: ARG002
        """Take packets: as many full ones as there are, and ``end`` where the last was short (perhaps empty).

        ``data`` is not valid after the return. Answers how many bytes were taken; fewer than all means that the rest
        is not acknowledged and offered again after ``pipe.resume()`` (None: not even an empty packet was). Call
        ``pipe.halt()`` to refuse: then what was taken is counted and the URB ends with STALL.
        """
        return len(data)

    def halt_cleared(self) -> None:
        """The host cleared the halt. Halt again here where a class wants it so."""


class IsoHandler:
    """Behaviour of an isochronous endpoint. The defaults send nothing and swallow everything."""

    pipe: IsoPipe

    def packets(self, lengths: Sequence[int]) -> tuple[Buffer, Sequence[int]]:
        """IN: the data of all packets back to back, and the length of each. At most the asked ``lengths``, please."""
        return b"", [0] * len(lengths)

    def received(self, data: memoryview, lengths: Sequence[int]) -> None:
        """OUT: packets back to back. ``data`` is not valid after the return."""


class Firmware:
    """Behaviour of a device. It outlives the openings of the device, as a stick keeps its files when it is ejected."""

    def endpoint(self, place: Place) -> InHandler | OutHandler | IsoHandler | None:
        """A new handler for an endpoint that a configuration or alternate setting brings up; None for the defaults."""

    def control(self, setup: Setup, data: memoryview) -> Buffer | None:
        """Answer a request that chapter 9 does not: the IN bytes, ``b""`` for a good OUT, None to stall.

        Class and vendor requests come here, and standard ones that the description has no answer to (for example a
        HID report descriptor). The answer is cut to wLength by the caller.
        """

    def configured(self, value: int) -> None:
        """A configuration was chosen (0: none, also after a reset); the handlers of its endpoints exist already."""
