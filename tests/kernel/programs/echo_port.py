"""Sends back SIZE bytes that come from a terminal of this machine.

python echo_port.py TTY SIZE
"""

from __future__ import annotations

import os
import sys
import tty


def main() -> None:
    """Do it."""
    port, left = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY), int(sys.argv[2])
    tty.setraw(port)
    print("ready", flush=True)
    while left:
        data = os.read(port, 4096)
        left -= len(data)
        while data:
            data = data[os.write(port, data) :]


if __name__ == "__main__":
    main()
