"""Key events of an evdev node, as they come: ``key CODE VALUE`` (1 down, 0 up), for ever.

python keys.py /dev/input/eventN
"""

from __future__ import annotations

import struct
import sys

EVENT = struct.Struct("llHHi")
EV_KEY = 1


def main() -> None:
    """Print them."""
    with open(sys.argv[1], "rb", buffering=0) as file:  # noqa: PTH123
        print("ready", flush=True)
        while True:
            for _seconds, _micros, kind, code, value in EVENT.iter_unpack(file.read(EVENT.size * 16)):
                if kind == EV_KEY:
                    print("key", code, value, flush=True)


if __name__ == "__main__":
    main()
