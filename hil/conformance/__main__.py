"""Runs the suites on devices: ``python -m hil.conformance emulator:serial``, ``… libusb 0403:6001``, ``… --all``."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path

from wslusb.device.registry import load_provider
from wslusb.errors import WslusbError

from . import report
from .suites import SUITES, chosen, examine


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="python -m hil.conformance", description="Test a USB device from the host's side."
    )
    top.add_argument("provider", nargs="?", help="where the device is: emulator:KIND, libusb, ...")
    top.add_argument("device", nargs="*", help="busid, VID:PID or serial; not needed if there is only one")
    top.add_argument("--all", action="store_true", help="every device that the provider has")
    top.add_argument("--suite", choices=SUITES, action="append", help="only this suite (may be given again)")
    top.add_argument("--case", action="append", help="only cases whose name has this in it (may be given again)")
    top.add_argument("--json", type=Path, help="also write the results to this file")
    top.add_argument("--repeats", type=int, default=3, help="how often what repeats is repeated (default 3)")
    top.add_argument("--list", action="store_true", help="show the cases, run none")
    return top


def show(suites: Sequence[str]) -> str:
    """The cases, and what each asks of a device."""
    return "\n".join(
        f"{suite}: {each.name} ({each.source}): {each.reason}" for suite in suites for each in SUITES[suite]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says: 0 if nothing failed, 1 if something did, 2 if a device could not be tried."""
    options = parser().parse_args(arguments)
    suites = options.suite or list(SUITES)
    if options.list:
        print(show(suites))  # noqa: T201
        return 0
    tested = []
    try:
        provider = load_provider(options.provider or "libusb")
        for info in chosen(provider, options.device, everything=options.all):
            with contextlib.closing(provider.open(info)) as device:
                results = examine(device, suites, options.case or (), options.repeats)
            print(report.as_text(info, results))  # noqa: T201
            tested.append((info, results))
    except WslusbError as error:
        print(f"{error}{f' ({error.hint})' if error.hint else ''}", file=sys.stderr)  # noqa: T201
        return 2
    if options.json:
        options.json.write_text(report.as_json(tested), encoding="utf-8")
    return int(any(report.failures(found) for _, results in tested for found in results.values()))


if __name__ == "__main__":
    sys.exit(main())
