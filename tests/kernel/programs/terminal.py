"""What a terminal program does with a serial port of this machine, at a user's pace or as fast as it goes.

python terminal.py TTY both SIZE SEED [BAUD]   write random.Random(SEED).randbytes(SIZE) and read as much: an echo
python terminal.py TTY script COMMAND ...      the methods of Terminal, each with its arguments after a blank
"""

from __future__ import annotations

import array
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
from collections.abc import Callable

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
        baud, (bits, parity, stop) = text.split()[0], text.split()[1]
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
            seen = struct.unpack("i", fcntl.ioctl(self.port, termios.TIOCMGET, b"\0" * 4))[0]
            time.sleep(0.01)

    def count(self, text: str) -> None:
        """``break 1``: wait until the driver has counted so many."""
        name, wanted = text.split()
        counters = array.array("i", [0] * 20)
        deadline = time.monotonic() + SECONDS
        while counters[COUNTERS.index(name)] != int(wanted):
            if time.monotonic() > deadline:
                raise SystemExit(f"{name} counted {counters[COUNTERS.index(name)]} times, not {wanted}")
            fcntl.ioctl(self.port, TIOCGICOUNT, counters)
            time.sleep(0.01)

    def send_break(self, _text: str) -> None:
        """A break of a quarter of a second."""
        termios.tcsendbreak(self.port, 0)

    def script(self) -> None:
        """Run the commands of the command line."""
        commands: dict[str, Callable[[str], None]] = {
            "format": self.format, "write": self.write, "expect": self.expect, "drive": self.drive,
            "lines": self.lines, "count": self.count, "break": self.send_break,
        }  # fmt: skip
        for command in sys.argv[3:]:
            name, _, rest = command.partition(" ")
            commands[name](rest)
        print("done")

    def both(self, size: int, seed: int) -> None:
        """As many bytes out as in, at the same time."""
        data = random.Random(seed).randbytes(size)
        writer = threading.Thread(target=self._write, args=(data,), daemon=True)
        writer.start()
        got = b""
        started = time.monotonic()
        while len(got) < size:
            if not select.select([self.port], [], [], SECONDS)[0]:
                raise SystemExit(f"only {len(got)} of {size} bytes came, the same so far: {data.startswith(got)}")
            got += os.read(self.port, 65536)
        writer.join()
        if got != data:
            raise SystemExit("different")
        print(f"{hashlib.sha256(got).hexdigest()} {time.monotonic() - started:.3f}")

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            select.select([], [self.port], [], SECONDS)
            view = view[os.write(self.port, view[:4096]) :]


def main() -> None:
    """Do it."""
    terminal = Terminal(sys.argv[1])
    if sys.argv[2] == "script":
        terminal.script()
        return
    if len(sys.argv) > 5:
        terminal.format(f"{sys.argv[5]} 8N1")
    terminal.both(int(sys.argv[3]), int(sys.argv[4]))


if __name__ == "__main__":
    main()
