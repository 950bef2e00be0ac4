"""``wslusb serve --faults``: the options go together, and what is wrong is said before anything is served."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from click.testing import CliRunner

from wslusb.cli import serve
from wslusb.device.faults import FaultyProvider, read_record
from wslusb.errors import LocalError


def test_seed_and_log_go_with_a_plan() -> None:
    result = CliRunner().invoke(serve.command, ["--faults-seed", "3"])
    assert result.exit_code == 2
    assert "--faults-seed and --faults-log go with --faults" in result.output


@pytest.mark.parametrize(("seed", "used"), [(None, 7), (3, 3)])
def test_one_line_says_that_faults_are_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, seed: int | None, used: int
) -> None:
    plan, log = tmp_path / "plan.toml", tmp_path / "log.jsonl"
    plan.write_text('seed = 7\n[[fault]]\nwhat = "stall"')
    with contextlib.ExitStack() as stack:
        sources = serve._load(stack, ["emulator:loopback"])
        wrapped = serve._with_faults(stack, sources, plan, seed, log)
    assert [type(each) for each in wrapped] == [FaultyProvider]
    assert [record.message for record in caplog.records] == [f"faults are on: 1 of {plan}, seed {used}"]
    assert read_record(log)[0]["seed"] == used


def test_a_plan_without_a_seed_gets_one_that_is_told(tmp_path: Path) -> None:
    plan, log = tmp_path / "plan.toml", tmp_path / "log.jsonl"
    plan.write_text('[[fault]]\nwhat = "stall"')
    with contextlib.ExitStack() as stack:
        serve._with_faults(stack, [], plan, None, log)
        serve._with_faults(stack, [], log, None, log)  # the record of a run is a plan, too
    assert isinstance(read_record(log)[0]["seed"], int)


def test_a_log_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text("")
    with contextlib.ExitStack() as stack, pytest.raises(LocalError, match="cannot write"):
        serve._with_faults(stack, [], plan, None, tmp_path / "no" / "log")


@pytest.mark.parametrize("name", ["plan.toml", "record.jsonl"])
def test_a_plan_that_is_not_there_is_named_once_and_the_next_step_is_said(tmp_path: Path, name: str) -> None:
    plan = tmp_path / name
    with contextlib.ExitStack() as stack, pytest.raises(LocalError) as caught:
        serve._with_faults(stack, [], plan, None, None)
    assert str(caught.value) == f"cannot read {plan}: No such file or directory"
    assert "docs/faults.md" in caught.value.hint
