"""``python -m hil.planted``: plant one bug after the other in a copy of the program, and see who catches it.

A suite that passes may be blind. Each bug is planted alone, and the smallest part of the suite that should catch it is
run on a rig without hardware. The table that comes out says by which test, or that it was missed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .mistake import copied, made
from .plants import PLANTS, Plant

__all__ = ["Caught", "main", "verdict"]

_PARTS = ("wslusb", "emulator", "hil", "conftest.py", "pyproject.toml")
_WIDE = 90
_TEST_SECONDS = 150
"""Whoever hangs has caught it, too."""
_MISSED = "**missed**"


@dataclass(frozen=True, slots=True)
class Caught:
    """``by`` is the first test that failed, or what stands in its place in the table."""

    by: str
    told: str
    failed: bool


def verdict(results: dict[str, Any] | None) -> Caught:
    """What results.json says; None for a run that has left none. Trouble of the rig catches nothing."""
    if results is None:
        return Caught("**the run broke off**", "", failed=False)
    for outcome in ("failed", "infrastructure"):
        for test in results["tests"]:
            if test["outcome"] == outcome:
                name = test["id"].rpartition("/")[2]
                return Caught(name if outcome == "failed" else f"RIG in {name}", test["message"], outcome == "failed")
    ran = [test for test in results["tests"] if test["outcome"] == "passed"]
    return Caught(_MISSED if ran else "**nothing was run**", "", failed=False)


def _command(plant: Plant, folder: Path) -> list[str]:
    rig = ["--backend", plant.rig] if "." not in plant.rig else ["--rig", f"hil/rigs/{plant.rig}"]
    duts = [word for name in plant.dut.split() for word in ("--dut", name, "--destructive", name)]
    tests = [f"hil/suite/{test}" for test in plant.tests]
    return [
        sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", f"--timeout={_TEST_SECONDS}",
        "--no-retry", *rig, *duts, "--effort", str(plant.effort),
        "--results", str(folder / "results"), *tests,
    ]  # fmt: skip


def _run(plant: Plant, *, sound: bool, seconds: float) -> tuple[Caught, float]:
    with tempfile.TemporaryDirectory(prefix="wslusb-planted-") as name:
        folder = Path(name)
        copied(_PARTS, folder)
        if not sound:
            made(plant, folder)
        began = time.monotonic()
        with subprocess.Popen(
            _command(plant, folder), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as run:
            try:
                run.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                run.terminate()
                run.communicate()
        path = folder / "results" / "results.json"
        results = json.loads(path.read_text()) if path.exists() else None
        return verdict(results), time.monotonic() - began


def main() -> int:
    """Plant each, run its tests, and print the table. It ends with 1 if one was not caught."""
    parser = argparse.ArgumentParser(prog="python -m hil.planted", description=__doc__)
    parser.add_argument("--sound", action="store_true", help="plant nothing: what fails then is a false alarm")
    parser.add_argument("--seconds", type=float, default=500.0, help="time for each of them (%(default)s)")
    parser.add_argument("words", nargs="*", metavar="WORD", help="only those with such a word in their names")
    arguments = parser.parse_args()
    wrong = 0
    for plant in PLANTS:
        if arguments.words and not any(word in plant.breaks for word in arguments.words):
            continue
        caught, seconds = _run(plant, sound=arguments.sound, seconds=arguments.seconds)
        wrong += caught.failed is arguments.sound
        where = plant.file.removeprefix("wslusb/")
        by = "nothing fails" if arguments.sound and caught.by == _MISSED else caught.by
        sys.stdout.write(f"| {plant.breaks} | `{where}` | {by} | {seconds:.0f} s | {caught.told[:_WIDE]} |\n")
        sys.stdout.flush()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
