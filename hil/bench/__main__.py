"""``python -m hil.bench``: see docs/performance.md.

python -m hil.bench                 this machine alone: codec, URBs by size and depth, beside plain sockets
python -m hil.bench --kernel        two virtual machines, beside the kernel's own usbip
python -m hil.bench --kernel --qemu QEMU with a stock kernel as the host
python -m hil.bench --emulator      virtual devices in this process, beside another emulator; isochronous time
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from hil.bench.emulator import emulator_bench
from hil.bench.kernel import Amounts, kernel_bench
from hil.bench.native import native_bench
from hil.bench.record import Report
from hil.errors import RigError

__all__ = ["main"]


def say(line: str) -> None:
    """Tell the user."""
    print(line, flush=True)  # noqa: T201


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m hil.bench", description="Measure wslusb.")
    top.add_argument("--kernel", action="store_true", help="in virtual machines, beside the kernel's usbip")
    top.add_argument("--qemu", action="store_true", help="with --kernel: QEMU with a stock kernel as the host")
    top.add_argument("--emulator", action="store_true", help="virtual devices alone, beside the PyPI package usbip")
    top.add_argument("--quick", action="store_true", help="fewer and shorter samples")
    top.add_argument("--rounds", type=int, help="samples of each kind (default: 5; quick: 3)")
    return top


def run(options: argparse.Namespace) -> Report:
    """The benchmark that the options ask for."""
    rounds = options.rounds or (3 if options.quick else 5)
    if options.kernel or options.qemu:
        amounts = Amounts(8, 64, 100) if options.quick else Amounts()
        return kernel_bench(rounds, amounts, say, qemu=options.qemu)
    if options.emulator:
        return emulator_bench(rounds, say, quick=options.quick)
    return native_bench(rounds, say, quick=options.quick)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, save."""
    options = parser().parse_args(arguments)
    try:
        report = run(options)
    except RigError as error:
        say(f"hil.bench: {error}")
        return 1
    for line in (*report.lines(), *report.warnings):
        say(line)
    say(f"medians of {report.notes['rounds']} interleaved rounds; samples: {report.save()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
