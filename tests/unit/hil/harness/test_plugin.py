"""What a run says of tests that cannot be run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.hil.harness.runs import run

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


_RIG = """
[host]
kind = "emulated"
[device.{name}]
source = "storage"
leave_out = {{ {test} = "it is tired" }}
"""


@pytest.mark.parametrize(("options", "outcome"), [((), "2 skipped"), (("--strict-rig",), "1 failed, 1 error")])
def test_what_the_rig_lacks_is_skipped_and_fails_where_that_is_asked(
    tmp_path: Path, options: tuple[str, ...], outcome: str
) -> None:
    said = run(tmp_path, *options, tests=_TESTS)
    assert outcome in said.splitlines()[-1]
    assert "there is no hammer" in said
    assert "there is no nail" in said


@pytest.mark.parametrize("options", [(), ("--strict-rig",)])
def test_what_a_device_is_known_to_fail_is_skipped_with_the_reason(tmp_path: Path, options: tuple[str, ...]) -> None:
    rig = tmp_path / "rig.toml"
    rig.write_text(_RIG.format(name="stick", test="test_sleep"))
    said = run(tmp_path, "--rig", str(rig), *options, tests="def test_sleep(dut): raise AssertionError")
    assert "1 skipped" in said
    assert "left out by the rig file: it is tired" in said


def test_a_test_that_there_is_not_cannot_be_left_out(tmp_path: Path) -> None:
    rig = tmp_path / "rig.toml"
    rig.write_text(_RIG.format(name="stick", test="test_slep"))
    said = run(tmp_path, "--rig", str(rig), tests=_TESTS)
    assert f"{rig}:4: device.stick.leave_out: there is no test 'test_slep'; is it 'test_sleep'?" in said
