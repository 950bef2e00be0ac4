"""``python -m hil.demo`` shows the main job with nothing but Python; ``--kernel`` shows it in virtual machines."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from hil.demo.local import local_demo
from hil.demo.machines import machines_demo
from hil.demo.story import DemoError, Story
from hil.errors import RigError
from wslusb.errors import WslusbError

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Show it. 0 only if the same bytes came back."""
    parser = argparse.ArgumentParser(prog="python -m hil.demo", description="Show the main job.")
    parser.add_argument("--kernel", action="store_true", help="in two virtual machines, through real kernels")
    options = parser.parse_args(arguments)
    try:
        return machines_demo(Story()) if options.kernel else local_demo(Story())
    except (DemoError, RigError, WslusbError, OSError) as error:
        sys.stderr.write(f"hil.demo: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
