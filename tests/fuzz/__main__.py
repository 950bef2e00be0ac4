"""``python -m tests.fuzz --seconds 60``: every target for its part of the time, and a table.

It ends with 1 if anything was found, with 2 if it cannot be looked for.
"""

from __future__ import annotations

import argparse
import sys

from tests.fuzz import guided, live, machine
from tests.fuzz.cases import GUIDED
from tests.fuzz.report import Result, table

_RUNNERS = (
    dict.fromkeys(GUIDED, guided.run)
    | dict.fromkeys(live.ATTACKS, live.run)
    | dict.fromkeys(machine.MACHINES, machine.run)
)


def main() -> int:
    """Share the time out and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="time for all targets together (%(default)s)")
    parser.add_argument("--as-found", action="store_true", help="do not take the time to make what is found small")
    parser.add_argument("targets", nargs="*", metavar="target", help=f"{', '.join(_RUNNERS)} (all)")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.targets if name not in _RUNNERS]:
        parser.error(f"no target is called {unknown[0]}; there are {', '.join(_RUNNERS)}")
    chosen = arguments.targets or list(_RUNNERS)
    guided.check(chosen)
    results: list[Result] = []
    for name in chosen:
        results.append(_RUNNERS[name](name, arguments.seconds / len(chosen), shrink=not arguments.as_found))
        sys.stdout.write(table(results[-1:]).splitlines()[-1] + "\n")
        sys.stdout.flush()
    sys.stdout.write(f"\n{table(results)}\n")
    return 1 if any(result.findings for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
