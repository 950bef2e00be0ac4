"""What a run says of tests that cannot be run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_TESTS = """
import pytest
from hil.errors import RigError, WantingError

@pytest.fixture
def lacking():
    raise WantingError("there is no hammer")

def test_that_finds_out_before(lacking): ...

def test_that_finds_out_late():
    raise WantingError("there is no nail")
"""


def _run(folder: Path, *options: str) -> str:
    (folder / "test_wanting.py").write_text(_TESTS)
    command = [sys.executable, "-m", "pytest", "-q", "-rsf", "-p", "hil.harness.plugin", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "--rootdir", str(folder), "-c", "/dev/null", *options, str(folder)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    return done.stdout


@pytest.mark.parametrize(("options", "outcome"), [((), "2 skipped"), (("--strict-rig",), "1 failed, 1 error")])
def test_what_the_rig_lacks_is_skipped_and_fails_where_that_is_asked(
    tmp_path: Path, options: tuple[str, ...], outcome: str
) -> None:
    said = _run(tmp_path, *options)
    assert outcome in said.splitlines()[-1]
    assert "there is no hammer" in said
    assert "there is no nail" in said
