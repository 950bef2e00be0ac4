"""Far ends that understand lines: a small shell that plays with the port, and a modem that understands AT commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from wslusb.device.clock import Timer

from .far_end import FarEnd
from .line import Error, Signal, parse_signals

__all__ = ["Modem", "Shell"]

_ERASE = b"\x08\x7f"
_LONGEST_LINE = 1024


class _LineEnd(FarEnd):
    """Gathers lines, with echo and backspace as a terminal wants them."""

    echo = True

    def __init__(self, greeting: bytes = b"") -> None:
        super().__init__(greeting)
        self._typed = bytearray()

    def received(self, data: memoryview) -> int:
        """See :class:`FarEnd`."""
        for position in range(len(data)):
            self._character(data[position : position + 1].tobytes())
        return len(data)

    def _character(self, character: bytes) -> None:
        if character in (b"\r", b"\n"):
            line = self._typed.decode("ascii", "replace").strip()
            self._typed.clear()
            if character == b"\r" or line:  # the line feed after a carriage return ends nothing
                self._say(b"\r\n" if self.echo else b"")
                self.line(line)
        elif character in _ERASE:
            if self._typed:
                del self._typed[-1]
                self._say(b"\b \b" if self.echo else b"")
        elif len(self._typed) < _LONGEST_LINE:
            self._typed += character
            self._say(character if self.echo else b"")

    def _say(self, data: bytes) -> None:
        if data:
            self.uart.receive(data)

    def line(self, text: str) -> None:
        """A line was entered."""


class Shell(_LineEnd):
    """Commands about the port itself, for tests and for whoever wants to see what a terminal program does."""

    def __init__(self, greeting: bytes = b"") -> None:
        super().__init__(greeting)
        self._commands: dict[str, tuple[str, Callable[[list[str]], str]]] = {
            "help": ("this list", self._help),
            "echo": ("say the words", " ".join),
            "format": ("speed and format that the host has chosen", lambda _words: str(self.uart.format)),
            "outputs": ("DTR and RTS as the host drives them", lambda _words: self.uart.outputs.words),
            "lines": ("drive these of dcd dsr cts ring, and no others", self._lines),
            "break": ("send a break", lambda _words: self._disturb(Error.BREAK)),
            "frame": ("send a character without a stop bit", lambda _words: self._disturb(Error.FRAMING)),
            "parity": ("send a character of wrong parity", lambda _words: self._disturb(Error.PARITY)),
            "overrun": ("lose a character", lambda _words: self._disturb(Error.OVERRUN)),
        }

    def opened(self) -> None:
        """See :class:`FarEnd`."""
        super().opened()
        self._say(b"> ")

    def line(self, text: str) -> None:
        """Run a command."""
        words = text.split()
        if words:
            command = self._commands.get(words[0])
            answer = command[1](words[1:]) if command else f"no command {words[0]}, try help"
            self._say(answer.replace("\n", "\r\n").encode() + b"\r\n")
        self._say(b"> ")

    def _help(self, _words: list[str]) -> str:
        return "\n".join(f"{name:8} {text}" for name, (text, _) in self._commands.items())

    def _lines(self, words: list[str]) -> str:
        try:
            self.uart.set_signals(parse_signals(words))
        except ValueError as error:
            return str(error)
        return self.uart.signals.words

    def _disturb(self, error: Error) -> str:
        self.uart.disturb(error)
        return "done"


class Modem(_LineEnd):
    """A Hayes modem (ITU-T V.250) whose every call reaches somebody who repeats what is said; the number 0 is busy."""

    GUARD_SECONDS = 1.0
    """Silence around ``+++``."""
    _ANSWERS: ClassVar[dict[str, str]] = {
        "I": "wslusb emulator modem", "+CGMI": "wslusb", "+CGMM": "emulator modem", "+CPIN?": "+CPIN: READY",
        "+CSQ": "+CSQ: 23,99", "+CREG?": "+CREG: 0,1", "": "", "Z": "", "&F": "", "V1": "",
    }  # fmt: skip

    def __init__(self, greeting: bytes = b"") -> None:
        super().__init__(greeting)
        self._online = False
        self._heard_at = 0.0
        self._plusses = 0
        self._guard: Timer | None = None

    def closed(self) -> None:
        """A modem hangs up when DTR falls."""
        self._hang_up()

    def received(self, data: memoryview) -> int:
        """See :class:`FarEnd`."""
        if not self._online:
            return super().received(data)
        if self.uart.hold_back():
            return 0
        self._look_for_escape(data)
        self.uart.receive(data)
        return len(data)

    def room(self) -> None:
        """See :class:`FarEnd`."""
        self.uart.accept()

    def _look_for_escape(self, data: memoryview) -> None:
        now = self.uart.chip.now()
        silent = now - self._heard_at >= self.GUARD_SECONDS
        self._heard_at = now
        if self._guard is not None:
            self._guard.cancel()
            self._guard = None
        only_plusses = bytes(data).strip(b"+") == b""
        self._plusses = (
            (0 if silent else self._plusses) + len(data) if only_plusses and (silent or self._plusses) else 0
        )
        if self._plusses == len("+++"):
            self._guard = self.uart.after(self.GUARD_SECONDS, self._escape)

    def _escape(self) -> None:
        self._online = False
        self._result("OK")

    def line(self, text: str) -> None:
        """An AT command."""
        if not text:
            return
        command = text.upper()
        if not command.startswith("AT"):
            self._result("ERROR")
            return
        command = command[2:]
        if command.startswith("D"):
            self._dial(command.lstrip("DTP"))
        elif command in ("H", "H0"):
            self._hang_up()
            self._result("OK")
        elif command in ("E0", "E1"):
            self.echo = command == "E1"
            self._result("OK")
        elif (answer := self._ANSWERS.get(command)) is not None:
            if answer:
                self._result(answer)
            self._result("OK")
        else:
            self._result("ERROR")

    def _dial(self, number: str) -> None:
        if number.strip(" ;") == "0":
            self._result("BUSY")
            return
        self._online, self._plusses, self._heard_at = True, 0, self.uart.chip.now()
        self.uart.set_signals(self.uart.signals | Signal.DCD)
        self._result(f"CONNECT {self.uart.format.baud}")

    def _hang_up(self) -> None:
        self._online = False
        self.uart.set_signals(self.uart.signals & ~Signal.DCD)

    def _result(self, text: str) -> None:
        self._say(f"\r\n{text}\r\n".encode())
