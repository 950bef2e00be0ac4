"""How a session of the plug-in ends: results, interruptions, time that is over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.hil.harness.invented import outcomes, run


def test_time_that_is_over_between_two_attempts_costs_no_other_test(tmp_path: Path) -> None:
    tests = """
import time

@pytest.fixture(autouse=True)
def slow_power(dut, monkeypatch):
    monkeypatch.setattr(type(dut), "power_cycle", lambda self: time.sleep(30))

def test_a(dut): assert dut.name != "stick"
"""
    code, _, _ = run(tmp_path, tests, "--timeout", "2")
    assert code == 1
    assert outcomes(tmp_path) == {"test_a[stick]": "failed", "test_a[uart]": "passed"}


def test_evidence_that_cannot_be_kept_costs_no_other_test(tmp_path: Path) -> None:
    code, said, _ = run(tmp_path, "def test_a(dut): assert dut.name != 'stick'\n")
    assert code == 1
    assert "No space left on device" in said
    assert outcomes(tmp_path) == {"test_a[stick]": "failed", "test_a[uart]": "passed"}


def test_a_folder_that_takes_no_results_is_said_before_the_first_test(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    code, said, notes = run(tmp_path, "def test_a(dut): ...\n", "--results", "taken/results")
    assert code == pytest.ExitCode.USAGE_ERROR
    assert "--results: cannot write into" in said
    assert "Not a directory" in said
    assert not notes


def test_results_that_cannot_be_written_in_the_end_are_told_and_the_rig_is_taken_down(tmp_path: Path) -> None:
    tests = """
import pathlib, shutil

def test_a(dut):
    results = pathlib.Path(__file__).parent / "results"
    shutil.rmtree(results, ignore_errors=True)
    results.touch()
"""
    code, said, notes = run(tmp_path, tests)
    assert code == 10
    assert "no report: cannot write" in said
    assert notes[-1] == "down"


def test_sigterm_ends_a_session_in_order(tmp_path: Path) -> None:
    tests = "import os, signal, time\ndef test_a(dut):\n    os.kill(os.getpid(), signal.SIGTERM)\n    time.sleep(30)\n"
    code, said, notes = run(tmp_path, f"def test_first(dut): ...\n{tests}")
    assert code == pytest.ExitCode.INTERRUPTED
    assert notes[-1] == "down"
    assert "report: " in said


def test_a_second_ctrl_c_does_not_make_a_run_one_that_was_not_interrupted(tmp_path: Path) -> None:
    tests = """
class Impatient:
    def pytest_keyboard_interrupt(self, excinfo):
        raise KeyboardInterrupt

def test_a(dut, request):
    request.config.pluginmanager.register(Impatient())
    raise KeyboardInterrupt
"""
    run(tmp_path, tests)
    assert json.loads((tmp_path / "results/results.json").read_text())["interrupted"]


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_a_run_that_is_interrupted_in_its_first_test_leaves_no_earlier_one_s_results(
    tmp_path: Path, number: str
) -> None:
    assert run(tmp_path, "def test_a(dut): ...\n")[0] == 0
    ended = f"os.kill(os.getpid(), signal.{number})"
    tests = f"import os, signal, time\ndef test_a(dut):\n    {ended}\n    time.sleep(30)\n"
    code, said, notes = run(tmp_path, tests)
    assert code == pytest.ExitCode.INTERRUPTED
    assert "report: " in said
    assert notes[-1] == "down"
    left = json.loads((tmp_path / "results/results.json").read_text())
    assert (left["interrupted"], left["tests"], left["unfinished"]) == (True, [], 2)
    assert "The run was interrupted before its first result." in (tmp_path / "results/report.html").read_text()
    earlier = json.loads((tmp_path / "results/previous/results.json").read_text())
    assert (earlier["interrupted"], len(earlier["tests"])) == (False, 2)


def test_a_session_that_comes_to_no_test_leaves_the_results_as_they_are(tmp_path: Path) -> None:
    run(tmp_path, "def test_a(dut): ...\n")
    before = (tmp_path / "results/results.json").read_bytes()
    for options in (("-k", "nothing"), ("--collect-only",)):
        run(tmp_path, "def test_a(dut): ...\n", *options)
    run(tmp_path, "a mistake of syntax\n")
    assert (tmp_path / "results/results.json").read_bytes() == before


def test_an_earlier_run_to_be_held_against_has_to_be_one(tmp_path: Path) -> None:
    code, said, _ = run(tmp_path, "def test_a(dut): ...\n", "--against", str(tmp_path / "none.json"))
    assert code == pytest.ExitCode.USAGE_ERROR
    assert f"--against: {tmp_path}/none.json: No such file or directory" in said
