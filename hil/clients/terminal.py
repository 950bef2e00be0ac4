"""What a terminal program does with a serial port of this machine, at a user's pace or as fast as it goes.

python -m hil.clients.terminal TTY both SIZE SEED [BAUD]  write random.Random(SEED).randbytes(SIZE), read as much back
python -m hil.clients.terminal TTY script COMMAND ...     the methods of Terminal, each with its arguments behind it
"""

from __future__ import annotations

import array
import errno
import fcntl
import hashlib
import os
import random
import select
import struct
import sys
import termios
import threading
import time
import tty
from collections.abc import Callable, Sequence

__all__ = ["LINES", "Terminal"]

SECONDS = 20.0
LINES = {"dtr": 0x002, "rts": 0x004, "cts": 0x020, "dcd": 0x040, "ring": 0x080, "dsr": 0x100}
COUNTERS = ("cts", "dsr", "ring", "dcd", "rx", "tx", "frame", "overrun", "parity", "break")
TIOCGICOUNT = 0x545D


class Terminal:
    """A port, raw and with CLOCAL: a line that drops is no hang-up.

    What the device says as soon as it sees DTR may still meet the echo of a port that is not raw yet, and be lost.
    """

    def __init__(self, path: str) -> None:
        self.port = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self.port)
        self.format("9600 8N1")

    def format(self, text: str) -> None:
        """``115200 8N1``."""
        baud, frame = text.split()
        bits, parity, stop = tuple(frame)
        attributes = termios.tcgetattr(self.port)
        flags = termios.CREAD | termios.CLOCAL | getattr(termios, f"CS{bits}")
        flags |= {"N": 0, "E": termios.PARENB, "O": termios.PARENB | termios.PARODD}[parity]
        flags |= termios.CSTOPB if stop == "2" else 0
        attributes[2] = flags
        attributes[4] = attributes[5] = getattr(termios, f"B{baud}")
        termios.tcsetattr(self.port, termios.TCSANOW, attributes)

    def write(self, text: str) -> None:
        """A line, ended by a carriage return."""
        os.write(self.port, text.encode() + b"\r")

    def expect(self, text: str) -> None:
        """Read until that comes."""
        got = b""
        while text.encode() not in got:
            if not select.select([self.port], [], [], SECONDS)[0]:
                raise SystemExit(f"{text!r} did not come, only {got!r}")
            got += os.read(self.port, 4096)

    def drive(self, text: str) -> None:
        """``dtr rts``: these up, the other down."""
        wanted = sum(LINES[word] for word in text.split())
        fcntl.ioctl(self.port, termios.TIOCMSET, struct.pack("i", wanted))

    def lines(self, text: str) -> None:
        """Wait until exactly these lines of the other end are up."""
        mask = LINES["cts"] | LINES["dcd"] | LINES["ring"] | LINES["dsr"]
        wanted = sum(LINES[word] for word in text.split())
        seen = -1
        deadline = time.monotonic() + SECONDS
        while seen & mask != wanted:
            if time.monotonic() > deadline:
                raise SystemExit(f"lines {seen:#x}, not {wanted:#x}")
            seen = self.modem_lines()
            time.sleep(0.01)

    def modem_lines(self) -> int:
        """Bits of :data:`LINES`."""
        return int(struct.unpack("i", fcntl.ioctl(self.port, termios.TIOCMGET, b"\0" * 4))[0])

    def count(self, text: str) -> None:
        """``break 1``: wait until the driver has counted so many."""
        name, wanted = text.split()
        counters = [0] * len(COUNTERS)
        deadline = time.monotonic() + SECONDS
        while counters[COUNTERS.index(name)] != int(wanted):
            if time.monotonic() > deadline:
                raise SystemExit(f"{name} counted {counters[COUNTERS.index(name)]} times, not {wanted}")
            counters = self.counters()
            time.sleep(0.01)

    def counters(self) -> list[int]:
        """What the driver has counted, in the order of :data:`COUNTERS`. OSError if it does not count."""
        counters = array.array("i", [0] * 20)
        fcntl.ioctl(self.port, TIOCGICOUNT, counters)
        return counters.tolist()[: len(COUNTERS)]

    def send_break(self, _text: str) -> None:
        """A break of a quarter of a second."""
        termios.tcsendbreak(self.port, 0)

    def script(self, lines: Sequence[str]) -> None:
        """Run commands."""
        commands: dict[str, Callable[[str], None]] = {
            "format": self.format, "write": self.write, "expect": self.expect, "drive": self.drive,
            "lines": self.lines, "count": self.count, "break": self.send_break,
        }  # fmt: skip
        for command in lines:
            name, _, rest = command.partition(" ")
            commands[name](rest)
        print("done")  # noqa: T201

    def both(self, size: int, seed: int) -> None:
        """As many bytes out as in, at the same time."""
        data = random.Random(seed).randbytes(size)
        started = time.monotonic()
        got = self.exchange(data)
        if len(got) < size:
            raise SystemExit(f"only {len(got)} of {size} bytes came, the same so far: {data.startswith(got)}")
        if got != data:
            raise SystemExit("different")
        print(f"{hashlib.sha256(got).hexdigest()} {time.monotonic() - started:.3f}")  # noqa: T201

    def exchange(self, data: bytes, write_size: int = 4096, seconds: float = SECONDS) -> bytes:
        """Write, and read as much at the same time; what came until then, or until nothing came for ``seconds``."""
        writer = threading.Thread(target=self._write, args=(data, write_size), daemon=True)
        writer.start()
        got = bytearray()
        while len(got) < len(data) and select.select([self.port], [], [], seconds)[0]:
            got += self._read()
        if len(got) == len(data):
            writer.join()
        return bytes(got)

    def drain(self, seconds: float = 0.25) -> int:
        """Read until nothing has come for ``seconds``; how many bytes that were."""
        count = 0
        while select.select([self.port], [], [], seconds)[0]:
            count += len(self._read())
        return count

    def _read(self) -> bytes:
        """What is there. OSError once the port has gone: its end can be read for ever."""
        data = os.read(self.port, 65536)
        if not data:
            raise OSError(errno.EIO, "the port has hung up")
        return data

    def close(self) -> None:
        """Hang up."""
        os.close(self.port)

    def _write(self, data: bytes, size: int) -> None:
        view = memoryview(data)
        while view:
            select.select([], [self.port], [], SECONDS)
            view = view[os.write(self.port, view[:size]) :]


def main(arguments: Sequence[str] | None = None) -> int:
    """Do it."""
    path, verb, *rest = sys.argv[1:] if arguments is None else arguments
    terminal = Terminal(path)
    if verb == "script":
        terminal.script(rest)
        return 0
    if len(rest) > 2:
        terminal.format(f"{rest[2]} 8N1")
    terminal.both(int(rest[0]), int(rest[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
