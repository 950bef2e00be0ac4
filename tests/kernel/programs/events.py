"""Events of an evdev node, as they come: ``TYPE CODE VALUE`` in decimal, for ever.

python events.py /dev/input/eventN
"""

from __future__ import annotations

import struct
import sys

EVENT = struct.Struct("llHHi")


def main() -> None:
    """Print them."""
    with open(sys.argv[1], "rb", buffering=0) as file:  # noqa: PTH123
        print("ready", flush=True)
        while True:
            for _seconds, _micros, kind, code, value in EVENT.iter_unpack(file.read(EVENT.size * 16)):
                print(kind, code, value, flush=True)


if __name__ == "__main__":
    main()
