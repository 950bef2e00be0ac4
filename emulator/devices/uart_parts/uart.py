"""A UART: on one side the USB function of a serial port, on the other a line to the far end.

Called with the device's lock held, like all firmware.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from wslusb.device.clock import Timer
from wslusb.usb.urb import Buffer

from ...record import Record
from .far_end import FarEnd
from .line import Error, Format, Signal
from .pace import Pace

__all__ = ["Chip", "Uart"]

_LOOPED = {Signal.DTR: Signal.DSR | Signal.DCD, Signal.RTS: Signal.CTS}
"""What a loop-back plug joins."""
_BACKLOG = 1 << 16
_ENDLESS = 0xFFFF


class Chip(Protocol):
    """The USB function that a UART belongs to."""

    def arrived(self) -> None:
        """There are characters to :meth:`Uart.fetch`."""

    def signalled(self, errors: Error) -> None:
        """:attr:`Uart.signals` have changed, or these errors were seen on the line."""

    def accept(self) -> None:
        """There is room again for what the host sends."""

    def now(self) -> float:
        """Seconds of the device's clock."""

    def after(self, seconds: float, action: Callable[[], None]) -> Timer:
        """See :meth:`emulator.firmware.Firmware.after`."""

    def running(self) -> AbstractContextManager[None]:
        """See :meth:`emulator.firmware.Firmware.running`."""


class Uart:
    """Characters both ways, at the line's speed if ``paced``. ``signals`` None: those of a loop-back plug."""

    def __init__(
        self, far_end: FarEnd, signals: Signal | None = None, *, paced: bool = False, record: Record | None = None
    ) -> None:
        self.chip: Chip
        self.format = Format()
        self.signals = signals or Signal(0)
        self.outputs = Signal(0)
        """DTR and RTS, as the host drives them."""
        self._far_end = far_end
        self._looped = signals is None
        self._record = record or Record()
        self._out_pace = Pace() if paced else None
        self._in_pace = Pace() if paced else None
        self._line = bytearray()
        self._fifo = bytearray()
        self._held_back = False
        self._timers: set[Timer] = set()
        far_end.uart = self

    # -- for the USB function: what the host does

    def start(self) -> None:
        """The device is open. OSError from the files that are the far end, or the record."""
        self._record.begin()
        self._far_end.start()

    def stop(self) -> None:
        """The device is closed: no timer runs, and the host drives nothing."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        if self._in_pace:
            self._in_pace.waiting = False
        self._line.clear()
        self._fifo.clear()
        self.drive(Signal(0))
        self._far_end.stop()

    def transmit(self, data: memoryview) -> int:
        """Send what the line and the far end take now; how many bytes that were. The chip hears when there is room."""
        pace, allowed = self._out_pace, len(data)
        if pace:
            allowed = pace.take(allowed, self.chip.now(), self.format.seconds)
        taken = self._far_end.received(data[:allowed]) if allowed else 0
        if pace and taken == allowed < len(data):
            self.after(pace.wait(self.format.seconds), self.chip.accept)
        return taken

    def drive(self, outputs: Signal) -> None:
        """DTR and RTS are now so."""
        if outputs == self.outputs:
            return
        before, self.outputs = self.outputs, outputs
        self._record.line(f"lines {outputs.words}")
        if self._looped:
            self.set_signals(_joined(outputs))
        if Signal.DTR in outputs & ~before:
            self._far_end.opened()
        elif Signal.DTR in before & ~outputs:
            self._far_end.closed()

    def set_format(self, wanted: Format) -> None:
        """The host has chosen speed and format."""
        self.format = wanted
        self._record.line(f"format {wanted}")

    def send_break(self, milliseconds: int) -> None:
        """The host holds the line in a break: so long, or until told 0 if 65535 (PSTN 1.2, 6.3.13)."""
        self._record.line(f"break {'on' if milliseconds == _ENDLESS else milliseconds or 'off'}")
        if milliseconds:
            self._far_end.broken()

    @property
    def waiting(self) -> int:
        """How many characters have arrived and were not fetched."""
        return len(self._fifo)

    def fetch(self, most: int) -> bytes:
        """Characters that have arrived, oldest first."""
        data = bytes(self._fifo[:most])
        del self._fifo[:most]
        if self._held_back and not self._full:
            self._held_back = False
            self._far_end.room()
        return data

    def peek(self) -> bytes:
        """What :attr:`waiting` counts."""
        return bytes(self._fifo)

    def purge(self) -> None:
        """Forget what has arrived."""
        self._fifo.clear()

    # -- for the far end

    def hold_back(self) -> bool:
        """Whether the far end is to wait, for there is much to fetch already: :meth:`FarEnd.room` ends that."""
        self._held_back |= self._full
        return self._full

    @property
    def _full(self) -> bool:
        return len(self._line) + len(self._fifo) >= _BACKLOG

    def receive(self, data: Buffer) -> None:
        """Characters from the far end, on their way to the host."""
        self._line += data
        if not (self._in_pace and self._in_pace.waiting):
            self._arrive()

    def _arrive(self) -> None:
        pace, ready = self._in_pace, len(self._line)
        if pace:
            ready = pace.take(ready, self.chip.now(), self.format.seconds)
            pace.waiting = ready < len(self._line)
            if pace.waiting:
                self.after(pace.wait(self.format.seconds), self._arrive)
        self._fifo += self._line[:ready]
        del self._line[:ready]
        self.chip.arrived()

    def set_signals(self, signals: Signal) -> None:
        """The far end drives its lines so."""
        if signals != self.signals:
            self.signals = signals
            self.chip.signalled(Error(0))

    def disturb(self, errors: Error) -> None:
        """Something goes wrong on the line."""
        self.chip.signalled(errors)

    def accept(self) -> None:
        """The far end takes characters again."""
        self.chip.accept()

    def after(self, seconds: float, action: Callable[[], None]) -> Timer:
        """A timer that does not outlive the opening of the device."""

        def run() -> None:
            self._timers.discard(timer)
            action()

        timer = self.chip.after(seconds, run)
        self._timers.add(timer)
        return timer


def _joined(outputs: Signal) -> Signal:
    joined = Signal(0)
    for output in outputs:
        joined |= _LOOPED[output]
    return joined
