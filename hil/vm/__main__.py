"""Rigs from the command line: fetch the kernels, or run a script in a machine.

    python -m hil.vm build
    python -m hil.vm run-uml SCRIPT
    python -m hil.vm run-pair HOST_SCRIPT GUEST_SCRIPT

The exit code is the script's; of two, the first that is not 0.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hil.errors import RigError
from hil.kernel.build import uml_kernel
from hil.kernel.debian import stock_kernel
from hil.requirements import COMMON, QEMU, STOCK_KERNEL, UML_BUILD, require
from hil.vm.machine import Machine
from hil.vm.remote import Process, Result
from hil.vm.rig import Rig


def say(*words: object) -> None:
    """Print at once."""
    print(*words, flush=True)  # noqa: T201


def build() -> int:
    """Make both kernels, side by side: one waits for the network while the other compiles."""
    require(COMMON, UML_BUILD, STOCK_KERNEL, QEMU)
    with ThreadPoolExecutor(2) as pool:
        jobs = [
            pool.submit(timed, "UML kernel", uml_kernel),
            pool.submit(timed, "stock kernel", lambda: stock_kernel().image),
        ]
        for job in jobs:
            say(job.result())
    return 0


def timed(what: str, make: Callable[[], Path]) -> str:
    """What was made, where, and how long it took."""
    started = time.monotonic()
    path = make()
    return f"{what}: {path} ({time.monotonic() - started:.1f} s)"


def run_uml(script: Path, options: argparse.Namespace) -> int:
    """Run one script in one machine."""
    with Rig.uml_single(memory=options.memory) as rig:
        return report(rig.host, start(rig.host, script), options.timeout)


def run_pair(host_script: Path, guest_script: Path, options: argparse.Namespace) -> int:
    """Run two scripts side by side in two machines."""
    with Rig.uml_pair(memory=options.memory) as rig:
        host, guest = start(rig.host, host_script), start(rig.guest, guest_script)
        guest_code = report(rig.guest, guest, options.timeout)
        host_code = report(rig.host, host, options.timeout)
    return host_code or guest_code


def start(machine: Machine, script: Path) -> Process:
    """Start a script in the directory where it lies."""
    script = script.resolve(strict=True)
    return machine.start(["bash", script], cwd=script.parent)


def report(machine: Machine, process: Process, timeout: float) -> int:
    """Wait for the end, print what was said; a signal's exit code is a shell's."""
    result: Result = process.wait(timeout)
    say(f"== {machine.name}: {result.returncode} after {result.seconds:.1f} s")
    sys.stdout.write(result.output)
    return result.returncode if result.returncode >= 0 else 128 - result.returncode


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m hil.vm", description="Virtual rigs.")
    top.add_argument("--memory", type=int, default=512, help="MiB a machine")
    top.add_argument("--timeout", type=float, default=300.0, help="seconds a script may take")
    verbs = top.add_subparsers(dest="verb", required=True)
    verbs.add_parser("build", help="build and fetch both kernels")
    verbs.add_parser("run-uml", help="run a bash script in a UML machine").add_argument("script", type=Path)
    pair = verbs.add_parser("run-pair", help="run two bash scripts in two machines joined by vsock")
    pair.add_argument("host_script", type=Path)
    pair.add_argument("guest_script", type=Path)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says."""
    options = parser().parse_args(arguments)
    try:
        match options.verb:
            case "build":
                return build()
            case "run-uml":
                return run_uml(options.script, options)
            case _:
                return run_pair(options.host_script, options.guest_script, options)
    except RigError as error:
        sys.stderr.write(f"{error}\n")
        return 125


if __name__ == "__main__":
    sys.exit(main())
