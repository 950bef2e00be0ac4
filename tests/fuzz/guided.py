"""One target under atheris (libFuzzer for Python): ``python -m tests.fuzz.guided codec --seconds 10``.

:func:`run` starts this module in a process of its own, because libFuzzer ends the process that it runs in.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import subprocess
import sys
import time
from collections.abc import Iterable
from types import ModuleType

from tests.fuzz.cases import GUIDED, findings, folder_of_findings, keep, packed, work_folder
from tests.fuzz.report import Result

__all__ = ["check", "run"]

SLOW_SECONDS = 2
_MEMORY = 1024
"""MiB. The instrumented program needs about 100 of them."""
_LONGEST = 4096
_COVERAGE = re.compile(r"#\d+\s+(\w+)\s+cov: (\d+)")
_UNITS = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
_LAST = re.compile(r"^#(\d+)\s", re.MULTILINE)
_ARTIFACT = re.compile(r"Test unit written to (\S+)")


def check(targets: Iterable[str]) -> None:
    """End with 2 where a target needs what is not installed: that is no finding."""
    if importlib.util.find_spec("atheris") is None and (wanting := sorted({*targets} & {*GUIDED})):
        sys.stderr.write(f"{', '.join(wanting)}: atheris is not installed; nox -s fuzz has it\n")
        sys.exit(2)


def run(target: str, seconds: float, *, shrink: bool = True) -> Result:
    """Fuzz a target. What is found is in the regression corpus afterwards."""
    began = time.monotonic()
    command = [sys.executable, "-m", "tests.fuzz.guided", target, "--seconds", str(max(1, round(seconds)))]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    said = done.stderr + done.stdout
    result = Result(target, seconds=time.monotonic() - began)
    coverage = [(kind, int(number)) for kind, number in _COVERAGE.findall(said)]
    if coverage:
        result.coverage = coverage[-1][1]
        result.new = result.coverage - next((number for kind, number in coverage if kind == "INITED"), result.coverage)
    units = _UNITS.findall(said) or _LAST.findall(said)
    result.cases = int(units[-1]) if units else 0
    result.findings = [path.rpartition("/")[2] for path in _ARTIFACT.findall(said)]
    if done.returncode and not result.findings:
        result.findings = [f"it ended with {done.returncode}"]
    if result.findings:
        sys.stderr.write(said[-4000:])
    return result


def main() -> None:
    """Run one target under libFuzzer; never comes back."""
    import atheris

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=GUIDED)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--merge", metavar="FOLDER", help="fuzz nothing: copy what reaches all edges to that folder")
    arguments, inner = parser.parse_known_args()
    name = arguments.target
    with atheris.instrument_imports(include=["wslusb", "emulator", "tests.fuzz.targets"]):
        target = importlib.import_module(f"tests.fuzz.targets.{name}")
    # To merge, libFuzzer starts itself again, and puts its own options behind this.
    command = f"{sys.executable} -m tests.fuzz.guided {name}"
    atheris.Setup([command, *(inner or _options(name, target, arguments.seconds, arguments.merge))], target.run)
    atheris.Fuzz()


def _options(name: str, target: ModuleType, seconds: int, merge: str | None) -> list[str]:
    """For libFuzzer, after all cases that there are have been put into the working corpus."""
    keep(work_folder(name), [*target.seeds(), *packed(name), *(path.read_bytes() for path in findings(name))])
    folder_of_findings(name).mkdir(parents=True, exist_ok=True)
    options = {
        "max_len": _LONGEST, "timeout": SLOW_SECONDS, "report_slow_units": SLOW_SECONDS, "rss_limit_mb": _MEMORY,
        "print_final_stats": 1, "artifact_prefix": f"{folder_of_findings(name)}/",
    }  # fmt: skip
    options |= {"merge": 1, "use_counters": 0} if merge else {"max_total_time": seconds}
    return [*(f"-{key}={value}" for key, value in options.items()), *([merge] if merge else []), str(work_folder(name))]


if __name__ == "__main__":
    main()
