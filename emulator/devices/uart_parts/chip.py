"""The half of a serial port's firmware that every make has, and the options that all of them take."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

from ...files import why_not_writable
from ...firmware import Firmware, InHandler, OutHandler
from ...options import Options, bad
from ...record import Record
from .far_end import Echo, FarEnd, FileEnd
from .line import Error, signals_from_options
from .terminal import Modem, Shell
from .uart import Uart

__all__ = ["OPTIONS", "SerialFirmware", "Transmitter", "uart_from_options"]

OPTIONS = {
    "answer": "who is at the far end: echo (default), shell, modem or nobody",
    "pty": "in place of that, a pseudo terminal here: the link to make to it",
    "file": "in place of that, a file that keeps what the host sends",
    "banner": "text that is sent whenever the port is opened",
    "send": "a file that is sent whenever the port is opened",
    "lines": "lines that the far end drives: dcd+dsr+cts (default), ring, none; loop: a loop-back plug",
    "paced": "yes: no faster than the baud rate",
    "record": "a file for what the host does with the line",
}
_EXISTS = os.strerror(errno.EEXIST)
_ANSWERS = {"echo": Echo, "shell": Shell, "modem": Modem, "nobody": FarEnd}


class SerialFirmware(Firmware):
    """A UART behind USB. ``sender`` and ``taker`` are the handlers of the bulk endpoints that are up now."""

    sender: InHandler | None = None
    taker: OutHandler | None = None

    def __init__(self, uart: Uart) -> None:
        self.uart = uart
        uart.chip = self

    def attached(self) -> None:
        """See :class:`emulator.firmware.Firmware`."""
        self.uart.start()

    def detached(self) -> None:
        """See :class:`emulator.firmware.Firmware`."""
        self.sender = self.taker = None
        self.uart.stop()

    def now(self) -> float:
        """See :class:`.uart.Chip`."""
        assert self.board is not None, "nobody asks a closed device for the time"  # noqa: S101
        return self.board.clock.now()

    def signalled(self, errors: Error) -> None:
        """See :class:`.uart.Chip`; how the host hears of it is different in every make."""

    def arrived(self) -> None:
        """See :class:`.uart.Chip`."""
        if self.sender is not None:
            self.sender.pipe.resume()

    def accept(self) -> None:
        """See :class:`.uart.Chip`."""
        if self.taker is not None:
            self.taker.pipe.resume()


class Transmitter(OutHandler):
    """Bulk OUT: characters for the line."""

    def __init__(self, uart: Uart) -> None:
        self._uart = uart

    def received(self, data: memoryview, end: bool) -> int:  # noqa: ARG002
        """See :class:`emulator.firmware.OutHandler`."""
        return self._uart.transmit(data)


def uart_from_options(options: Options) -> Uart:
    """What :data:`OPTIONS` say. LocalError for files that cannot be used."""
    far_end = _far_end(options)
    signals = signals_from_options(options)
    return Uart(far_end, signals, paced=options.flag("paced"), record=Record.from_options(options))


def _far_end(options: Options) -> FarEnd:
    greeting = options.text("banner").encode() + options.content("send")
    answer = _ANSWERS[options.choice("answer", tuple(_ANSWERS), "echo")]
    link, file = options.path("pty"), options.output("file")
    if link is not None and file is not None:
        raise bad("a line has one far end: pty or file")
    if link is not None:
        return _pty_end(link, greeting)
    return FileEnd(file, greeting) if file is not None else answer(greeting)


def _pty_end(link: Path, greeting: bytes) -> FarEnd:
    if sys.platform != "win32":
        from .pty_end import PtyEnd

        if not link.is_symlink() and (why := _EXISTS if link.exists() else why_not_writable(link)):
            raise bad(f"pty: {link}: {why}")
        return PtyEnd(link, greeting)
    raise bad("pty: there are no pseudo terminals under Windows")
