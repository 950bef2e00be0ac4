"""Key events of an evdev node, as they come: ``key CODE VALUE`` (1 down, 0 up), for ever.

python keys.py /dev/input/eventN
"""

from __future__ import annotations

import sys
from pathlib import Path

from hil.clients.evdev import EV_KEY, events


def main() -> None:
    """Print them."""
    with Path(sys.argv[1]).open("rb", buffering=0) as file:
        print("ready", flush=True)
        while True:
            for kind, code, value in events(file):
                if kind == EV_KEY:
                    print("key", code, value, flush=True)


if __name__ == "__main__":
    main()
