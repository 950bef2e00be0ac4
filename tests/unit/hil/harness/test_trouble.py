"""The plug-in when a machine, a daemon or a device is not what it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.hil.harness.invented import outcomes, run


def test_a_service_that_does_not_start_is_tried_once_and_said_for_each_test(tmp_path: Path) -> None:
    (tmp_path / "no service").touch()
    code, said, notes = run(tmp_path, "def test_a(dut): ...\ndef test_b(dut): ...\n")
    assert code == 10
    assert notes.count("ready") == 1
    assert said.count("the service does not come up: wslusb: error: there is no such device") >= 4
    assert set(outcomes(tmp_path).values()) == {"infrastructure"}


def test_a_machine_that_died_is_started_anew_for_the_next_test(tmp_path: Path) -> None:
    tests = "def test_a(dut): dut.rig.guest.alive = dut.name != 'stick'\n"
    code, _, notes = run(tmp_path, tests)
    assert code == 0
    assert notes == ["up", "ready", "ready", "down", "up", "ready", "ready", "down"]


def test_what_failed_is_taken_out_of_the_guest(tmp_path: Path) -> None:
    code, _, notes = run(tmp_path, "def test_a(dut): assert dut.name != 'stick'\n")
    assert code == 1
    assert notes.count("release") == 1


def test_a_device_that_left_is_said_to_have_left(tmp_path: Path) -> None:
    tests = """
import pathlib

def test_a(dut):
    (pathlib.Path(__file__).parent / "left").touch()
    assert False, "an error of input and output"
"""
    assert run(tmp_path, tests, "--dut", "stick")[0] == 1
    (found,) = json.loads((tmp_path / "results/results.json").read_text())["tests"]
    assert found["message"] == "stick left its host during the test: an error of input and output"


@pytest.mark.parametrize(("times", "said"), [(1, "once"), (3, "3 times")])
def test_a_device_that_left_and_came_back_is_said_to_have(tmp_path: Path, times: int, said: str) -> None:
    tests = f"""
import pathlib

def test_a(dut):
    (pathlib.Path(__file__).parent / "departures").write_text("{times}")
    assert False, "an error of input and output"
"""
    assert run(tmp_path, tests, "--dut", "stick")[0] == 1
    (found,) = json.loads((tmp_path / "results/results.json").read_text())["tests"]
    expected = f"stick left its host during the test, {said}, and came back: an error of input and output"
    assert found["message"] == expected


_KILLED = """
from hil.deaths import Death

def test_a(dut):
    dut.rig.daemons.died = [Death("service", -9, {signal!r})]
    assert dut.name != "stick", "an error of input and output"
"""


def test_a_daemon_that_was_killed_from_outside_is_the_rigs_trouble(tmp_path: Path) -> None:
    code, said, _ = run(tmp_path, _KILLED.format(signal="SIGKILL"))
    assert code == 10
    assert set(outcomes(tmp_path).values()) == {"infrastructure"}
    assert "the service of wslusb was killed from outside, by SIGKILL: an error of input and output" in said


def test_a_daemon_that_dies_is_a_failure_of_its_test(tmp_path: Path) -> None:
    assert run(tmp_path, _KILLED.format(signal=""))[0] == 1
    assert set(outcomes(tmp_path).values()) == {"failed"}


@pytest.mark.parametrize("error", ["VerbFailedError('guest', 'the agent has no host')", "AssertionError('no host')"])
def test_what_fails_while_a_machine_is_dead_is_not_judged(tmp_path: Path, error: str) -> None:
    tests = f"""
import pathlib
from hil.errors import VerbFailedError

def test_a(dut):
    (pathlib.Path(__file__).parent / "dead").touch()
    raise {error}
"""
    code, _, _ = run(tmp_path, tests, "--dut", "uart")
    assert code == 10
    found = json.loads((tmp_path / "results/results.json").read_text())["tests"][0]
    assert found["message"].startswith("the host has died: ")
    assert found["message"].endswith("no host")


def test_a_kernel_that_crashes_is_a_failure_of_what_it_was_given(tmp_path: Path) -> None:
    tests = """
import pathlib

def test_a(dut):
    for sign in ("dead", "crash"):
        (pathlib.Path(__file__).parent / sign).touch()
    assert False, "no answer"
"""
    code, _, _ = run(tmp_path, tests, "--dut", "uart")
    assert code == 1
    found = json.loads((tmp_path / "results/results.json").read_text())["tests"][0]
    assert found["message"].startswith("the kernel of the host has crashed: BUG: the host has died: ")


def test_after_the_death_of_a_machine_the_second_attempt_has_a_rig_that_is_started_anew(tmp_path: Path) -> None:
    tests = """
import pathlib

def test_a(dut):
    dead = pathlib.Path(__file__).parent / "dead"
    if not dead.exists():
        dead.touch()
        dut.rig.guest.alive = False
        assert False, "no answer"
"""
    _, _, notes = run(tmp_path, tests, "--dut", "stick")
    assert [each["outcome"] for each in json.loads((tmp_path / "results/results.json").read_text())["tests"]] == [
        "flaky"
    ]
    assert notes.count("up") == 2
    assert "cycled" not in notes
