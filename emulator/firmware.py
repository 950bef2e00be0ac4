"""What a virtual device does beyond chapter 9: the classes that a device's author derives from.

All methods are called with the device's lock held, one at a time, like the single thread of a small controller. They
answer at once or not at all (NAK): they never block. To act on its own (a key is pressed, a sample is due) a firmware
uses ``after``, or ``running`` from another thread. What a method raises goes to the log, and the host sees a stall.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol

from wslusb.usb.setup import Setup
from wslusb.usb.urb import Buffer

if TYPE_CHECKING:
    from wslusb.device.clock import Clock, Timer

    from .core import Core
    from .gadget import Place
    from .iso import IsoPipe
    from .model import Model
    from .pipe import InPipe, OutPipe

__all__ = ["PASS", "Board", "Deferred", "Firmware", "InHandler", "IsoHandler", "OutHandler", "Pass"]


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
        ``pipe.halt()`` to refuse: what was taken is counted, and a URB with more than that ends with STALL, as all do
        that come after it.
        """
        return len(data)

    def halt_cleared(self) -> None:
        """The host cleared the halt. Halt again here where a class wants it so."""


class IsoHandler:
    """Behaviour of an isochronous endpoint. The defaults send nothing and swallow everything."""

    pipe: IsoPipe

    def packets(self, lengths: Sequence[int]) -> tuple[Buffer, Sequence[int]]:
        """IN: the data of all packets back to back, and the length of each. At most the asked ``lengths``, please.

        Too few or too many lengths, or data of another size, fail: all these packets end with ``Status.PROTOCOL``.
        """
        return b"", [0] * len(lengths)

    def received(self, data: memoryview, lengths: Sequence[int]) -> None:
        """OUT: packets back to back. ``data`` is not valid after the return."""


class Board(Protocol):
    """What a firmware runs on: the device as it is open now (``emulator/device.py``, or a real controller)."""

    clock: Clock

    def running(self) -> AbstractContextManager[Core]:
        """Holds the device's lock, for what does not come from the host; then hands out what has completed."""

    def reenumerate(self, model: Model) -> None:
        """Leave the bus and come back as another device, soon."""


class Pass(enum.Enum):
    """The type of :data:`PASS`."""

    PASS = enum.auto()


PASS = Pass.PASS
"""What ``override`` answers to leave a request to chapter 9."""


class Deferred:
    """An answer to a control request that is to come, for ``control`` and ``override`` to return: NAK until then.

    The device takes no other control request meanwhile. A host that gives up cancels, and then hears nothing.
    """

    __slots__ = ("answered",)

    def __init__(self) -> None:
        self.answered: Callable[[Buffer | None], None] = lambda _reply: None
        """Where the answer goes: for the board."""

    def answer(self, reply: Buffer | None) -> None:
        """What ``control`` would have returned. With the device's lock held, once ``control`` has returned."""
        self.answered(reply)


class Firmware:
    """Behaviour of a device. It outlives the openings of the device, as a stick keeps its files when it is ejected."""

    board: Board | None = None
    """Where it runs; None while nobody has the device open."""
    first_interface = 0
    """Above 0 for a function of a composite device: what tells the host of an interface by its number has to add it."""

    def attached(self) -> None:
        """The device was opened: ``board`` is there. The configuration is chosen after this."""

    def detached(self) -> None:
        """The device was closed or unplugged; ``board`` is None from now on, and timers of ``after`` do not run.

        Comes after ``attached`` in any case, also where that one or ``configured`` has failed.
        """

    def after(self, seconds: float, action: Callable[[], None]) -> Timer:
        """Call ``action`` with the device's lock held, that many seconds from now. Only while there is a ``board``."""
        board = self.board
        assert board is not None, "a firmware's timers need a board"  # noqa: S101

        def locked() -> None:
            with board.running():
                if self.board is board:
                    action()

        return board.clock.call_at(board.clock.now() + seconds, locked)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Holds the device's lock, if it is open, for another thread that acts on the firmware."""
        board = self.board
        if board is None:
            yield
            return
        with board.running():
            yield

    def endpoint(self, place: Place) -> InHandler | OutHandler | IsoHandler | None:
        """A new handler for an endpoint that a configuration or alternate setting brings up; None for the defaults."""

    def override(self, setup: Setup, data: memoryview) -> Buffer | Deferred | Pass | None:  # noqa: ARG002
        """Answer a standard request in place of chapter 9, as ``control`` does; PASS leaves it to chapter 9.

        For devices that break the rules. What is answered here does not change the state of the device.
        """
        return PASS

    def control(self, setup: Setup, data: memoryview) -> Buffer | Deferred | None:
        """Answer a request that chapter 9 does not: the IN bytes, ``b""`` for a good OUT, None to stall.

        Class and vendor requests come here, and standard ones that the description has no answer to (for example a
        HID report descriptor). The answer is cut to wLength by the caller.
        """

    def configured(self, value: int) -> None:
        """A configuration was chosen (0: none, also after a reset); the handlers of its endpoints exist already."""

    def reset(self) -> None:
        """The host reset the port. No configuration is active: ``configured(0)`` has been called."""
