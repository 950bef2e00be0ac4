"""Events of an evdev node, as they come: ``TYPE CODE VALUE`` in decimal, for ever.

python events.py /dev/input/eventN
"""

from __future__ import annotations

import sys
from pathlib import Path

from hil.clients.evdev import events


def main() -> None:
    """Print them."""
    with Path(sys.argv[1]).open("rb", buffering=0) as file:
        print("ready", flush=True)
        while True:
            for kind, code, value in events(file):
                print(kind, code, value, flush=True)


if __name__ == "__main__":
    main()
