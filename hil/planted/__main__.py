"""``python -m hil.planted``: plant one bug after the other in a copy of the program, and see who catches it.

A suite that passes may be blind. Each bug is planted alone, and the smallest part of the suite that should catch it is
run on a rig without hardware. The table that comes out says by which test, or that it was missed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .looking import Row, command_line, copy, table
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
    for outcome in ("failed", "infrastructure"):
        for test in results["tests"] if results is not None else ():
            if test["outcome"] == outcome:
                name = test["id"].rpartition("/")[2]
                return Caught(name if outcome == "failed" else f"RIG in {name}", test["message"], outcome == "failed")
    if results is None or results["interrupted"]:
        return Caught("**the run broke off**", "", failed=False)
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
    with copy(_PARTS, None if sound else plant) as folder:
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
    parser = command_line("hil.planted", __doc__, seconds=500.0)
    parser.add_argument("--sound", action="store_true", help="plant nothing: what fails then is a false alarm")
    arguments = parser.parse_args()

    def row(plant: Plant) -> Row:
        caught, seconds = _run(plant, sound=arguments.sound, seconds=arguments.seconds)
        where = plant.file.removeprefix("wslusb/")
        by = "nothing fails" if arguments.sound and caught.by == _MISSED else caught.by
        return caught.failed is not arguments.sound, (
            plant.breaks, f"`{where}`", by, f"{seconds:.0f} s", caught.told[:_WIDE],
        )  # fmt: skip

    return table(PLANTS, arguments.words, row)


if __name__ == "__main__":
    sys.exit(main())
