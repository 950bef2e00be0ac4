"""Runs of pytest with the plugin of :mod:`hil.harness`, on tests that are written for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

__all__ = ["run", "run_folder"]


def run_folder(folder: Path, *options: str) -> tuple[int, str]:
    """Exit code of a run of the tests in a folder, and what it says, of no other configuration than the plugin's."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "hil.harness.plugin", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "--rootdir", str(folder), "-c", "/dev/null", *options, str(folder)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def run(folder: Path, *options: str, tests: str) -> str:
    """What a run of these tests says."""
    (folder / "test_written.py").write_text(tests)
    return run_folder(folder, "-rsf", *options)[1]
