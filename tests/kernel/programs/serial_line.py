"""Bytes through a serial port of this machine, raw, at 115200: what comes is checked against a seed, and the other way.

python serial_line.py TTY send SIZE SEED      write random.Random(SEED).randbytes(SIZE)
python serial_line.py TTY receive SIZE SEED   read as much and compare
"""

from __future__ import annotations

import os
import random
import select
import sys
import termios
import tty


def main() -> None:
    """Do it."""
    path, direction, size, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    port = os.open(path, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(port)
    data = random.Random(seed).randbytes(size)
    print("ready", flush=True)
    if direction == "send":
        view = memoryview(data)
        while view:
            view = view[os.write(port, view) :]
        termios.tcdrain(port)
        print(f"sent {size}", flush=True)
        sys.stdin.read()  # closing the port would throw away what the line has not taken yet
        return
    got = b""
    while len(got) < size:
        if not select.select([port], [], [], 20)[0]:
            raise SystemExit(f"only {len(got)} of {size} bytes came, the same so far: {data.startswith(got)}")
        got += os.read(port, 65536)
    if got != data:
        wrong = next(at for at, pair in enumerate(zip(got, data, strict=False)) if pair[0] != pair[1])
        raise SystemExit(f"different from byte {wrong} on")
    print(f"received {len(got)}")


if __name__ == "__main__":
    main()
