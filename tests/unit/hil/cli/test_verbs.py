"""python -m hil, verb by verb."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from hil.cli import program as program_module
from hil.cli.program import VERBS, program
from hil.rig.quarantine import Quarantine
from hil.rig.reading import read_rig, reads_rig


@pytest.fixture(autouse=True)
def _own_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WSLUSB_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("WSLUSB_DEBUG", raising=False)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(program, [str(each) for each in arguments])


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str) -> None:
    result = run(verb, "--help")
    assert result.exit_code == 0, result.output
    assert f"Usage: hil {verb}" in result.stdout


def test_without_a_verb_there_is_help_and_wrong_usage() -> None:
    result = run()
    assert result.exit_code == 2
    assert "suggest" in result.stderr


def test_a_wrong_verb_is_wrong_usage() -> None:
    assert run("sugest").exit_code == 2


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("pydantic._internal", "hil: error: pydantic._internal is not installed here.\nhil: hint: 'nox -s hil' makes"),
        ("hil.reprot", "hil: error: internal error: ModuleNotFoundError"),
    ],
)
def test_a_package_that_only_the_suite_needs_is_no_internal_error(
    monkeypatch: pytest.MonkeyPatch, missing: str, said: str
) -> None:
    def get_command(*_: object) -> None:
        raise ModuleNotFoundError(f"No module named {missing!r}", name=missing)

    monkeypatch.setattr(program_module.Program, "get_command", get_command)
    result = run("fidelity")
    assert (result.exit_code, result.stderr[: len(said)]) == (1, said)


def test_suggest_prints_a_rig_file() -> None:
    result = run("suggest", "--provider", "emulator:serial,storage")
    assert result.exit_code == 0, result.output
    assert [each.source for each in reads_rig(result.stdout).devices] == ["serial", "storage"]


def test_suggest_writes_a_file_and_leaves_one_that_is_there(tmp_path: Path) -> None:
    target = tmp_path / "rig.toml"
    assert run("suggest", "--provider", "emulator:serial", "-o", target).exit_code == 0
    assert read_rig(target).devices[0].name == "serial-port"
    again = run("suggest", "--provider", "emulator:storage", "-o", target)
    assert again.exit_code == 1
    assert again.stderr == (
        f"hil: error: {target} is there already.\nhil: hint: it is left as it is: choose another name, or remove it.\n"
    )
    assert read_rig(target).devices[0].name == "serial-port"


def test_suggest_of_what_is_plugged_in_here() -> None:
    result = run("suggest")
    assert result.exit_code == 0, result.output
    assert reads_rig(result.stdout).host.kind == "local"


def test_a_provider_that_does_not_exist_is_one_line_and_a_hint() -> None:
    result = run("suggest", "--provider", "nothing")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[0] == "hil: error: there is no device provider 'nothing'."


def test_release_lists_and_lifts() -> None:
    quarantine = Quarantine()
    for _ in range(3):
        quarantine.record("1:2:3", "stick", failed=True, reason="stuck")
    quarantine.record("4:5:6", "port", failed=True, reason="once")
    listed = run("release").stdout.splitlines()
    assert listed[0].startswith("in quarantine: stick (1:2:3) failed in 3 runs")
    assert listed[1].startswith("failing: port (4:5:6) failed in 1 run, at")
    released = run("release", "stick")
    assert (released.exit_code, released.stderr) == (0, "hil: info: stick (1:2:3) takes part in the next run.\n")
    assert quarantine.held("1:2:3") is None
    assert run("release", "stick").exit_code == 1


def test_all_mistakes_of_a_rig_file_are_messages_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command("wrong")
    def wrong() -> None:
        reads_rig("a = 1\nb = 2\n")

    monkeypatch.setattr(program_module.Program, "get_command", lambda *_: wrong)
    result = run("wrong")
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert [line.partition(": this key")[0] for line in lines[:2]] == [
        "hil: error: rig.toml:1: a", "hil: error: rig.toml:2: b"
    ]  # fmt: skip
    assert lines[2:] == ["hil: hint: docs/hil-rig.md has every key."]
