"""``python -m tests.fuzz.packing``: the working corpus, made as small as it goes, into ``tests/fuzz/packed``.

What is kept reaches all that the whole corpus reaches: libFuzzer's merge chooses it for guided targets, here it is the
shortest case for each kind of behaviour. One zip a target, the same bytes for the same cases.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from tests.fuzz import live
from tests.fuzz.cases import GUIDED, PACKED, findings, packed, work_folder
from tests.fuzz.oracle import Finding

__all__: list[str] = []

_DATE = (1980, 1, 1, 0, 0, 0)
_LONGEST = 2048
"""Longer cases reach little that shorter ones do not, and weigh the repository down."""


def _guided(target: str) -> list[bytes]:
    """The cases that libFuzzer keeps for coverage of edges. How often each was passed does not count."""
    with tempfile.TemporaryDirectory() as name:
        command = [sys.executable, "-m", "tests.fuzz.guided", target, "--merge", name]
        subprocess.run(command, check=True, capture_output=True)
        return [path.read_bytes() for path in sorted(Path(name).iterdir())]


def _live(target: str) -> list[bytes]:
    """Greedily: the shortest first, if it shows anything new."""
    cases = sorted({path.read_bytes() for path in work_folder(target).iterdir()} | {*packed(target)}, key=len)
    kept, seen = [], set[str]()
    with live.ATTACKS[target]() as attack:
        for case in (*live.PLAIN, *cases):
            try:
                fresh = attack(case) - seen
            except Finding as error:
                sys.exit(f"{target}: {case.hex()} is a finding: {error}")
            if fresh:
                seen |= fresh
                kept.append(case)
    return [case for case in kept if case not in live.PLAIN]


def _write(target: str, cases: list[bytes]) -> int:
    known = {path.read_bytes() for path in findings(target)}
    PACKED.mkdir(exist_ok=True)
    path = PACKED / f"{target}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for number, case in enumerate(sorted({each for each in cases if len(each) <= _LONGEST} - known)):
            archive.writestr(zipfile.ZipInfo(f"{number:04}", _DATE), case, zipfile.ZIP_DEFLATED)
    return path.stat().st_size


def main() -> None:
    """Pack some targets, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.packing", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="target", help="(all)")
    for target in parser.parse_args().targets or (*GUIDED, *live.ATTACKS):
        before = sum(1 for _ in work_folder(target).iterdir())
        cases = (_guided if target in GUIDED else _live)(target)
        size = _write(target, cases)
        sys.stdout.write(f"{target:<14}{before:>6} cases{len(cases):>6} kept{size:>8} bytes\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
