"""Which devices a test runs on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.hil.harness.runs import run

_RIG = """
[host]
kind = "emulated"
[device.plain]
source = "serial"
traits = ["serial"]
safety = "read-only"
[device.stick]
source = "storage"
traits = ["storage"]
safety = "reversible"
[device.disk]
source = "uas"
traits = ["storage"]
safety = "destructive"
"""

_TEST = """
import pytest
{marks}
def test_it(dut): ...
"""


def _chosen(folder: Path, *marks: str) -> list[str]:
    """The devices that a test with these marks is collected for."""
    rig = folder / "rig.toml"
    rig.write_text(_RIG)
    tests = _TEST.format(marks="\n".join(f"@pytest.mark.{mark}" for mark in marks))
    said = run(folder, "--rig", str(rig), "--collect-only", tests=tests)
    return [line.partition("[")[2].rstrip("]") for line in said.splitlines() if "::test_it[" in line]


def test_a_test_without_marks_runs_on_every_device(tmp_path: Path) -> None:
    assert _chosen(tmp_path) == ["plain", "stick", "disk"]


def test_a_trait_chooses(tmp_path: Path) -> None:
    assert _chosen(tmp_path, 'trait("storage")') == ["stick", "disk"]


def test_a_trait_that_no_device_has_is_one_test_to_be_skipped(tmp_path: Path) -> None:
    assert _chosen(tmp_path, 'trait("video")') == ["none"]


@pytest.mark.parametrize(
    ("marks", "device"),
    [
        (("one_device",), "plain"),
        (("one_device", 'safety("reversible")'), "stick"),
        (("one_device", 'safety("reversible")', 'trait("serial")'), "plain"),
    ],
)
def test_one_device_is_the_first_that_is_allowed_or_the_first_to_say_why_not(
    tmp_path: Path, marks: tuple[str, ...], device: str
) -> None:
    assert _chosen(tmp_path, *marks) == [device]
