"""What may be at the far end of a serial line: nothing, an echo, a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .uart import Uart

__all__ = ["Echo", "FarEnd", "FileEnd"]


class FarEnd:
    """Swallows everything, and says its greeting whenever somebody opens the port (DTR rises)."""

    uart: Uart

    def __init__(self, greeting: bytes = b"") -> None:
        self._greeting = greeting

    def start(self) -> None:
        """The device is open: timers and threads may run from now on."""

    def stop(self) -> None:
        """The device is closed."""

    def opened(self) -> None:
        """DTR has risen: a program has the port open."""
        if self._greeting:
            self.uart.receive(self._greeting)

    def closed(self) -> None:
        """DTR has fallen."""

    def received(self, data: memoryview) -> int:
        """Take characters; how many. The rest is offered again after ``uart.accept()``."""
        return len(data)

    def broken(self) -> None:
        """The host sends a break."""

    def room(self) -> None:
        """``uart.hold_back()`` was true, and there is room now."""


class Echo(FarEnd):
    """Sends everything back, and holds a host back that sends and does not read."""

    def received(self, data: memoryview) -> int:
        """See :class:`FarEnd`."""
        if self.uart.hold_back():
            return 0
        self.uart.receive(data)
        return len(data)

    def room(self) -> None:
        """See :class:`FarEnd`."""
        self.uart.accept()


class FileEnd(FarEnd):
    """Keeps what the host sends in a file, behind what is there already."""

    def __init__(self, path: Path, greeting: bytes = b"") -> None:
        super().__init__(greeting)
        self._path = path

    def start(self) -> None:
        """See :class:`FarEnd`. OSError if the file cannot be written."""
        self._path.touch()

    def received(self, data: memoryview) -> int:
        """See :class:`FarEnd`."""
        with self._path.open("ab", buffering=0) as file:
            return file.write(data)
