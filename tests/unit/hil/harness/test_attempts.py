"""What a failure is followed by: power, a second attempt, quarantine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hil.rig import lock
from hil.rig.quarantine import Quarantine
from tests.unit.hil.harness.invented import RIG, run


def test_a_device_that_keeps_failing_is_left_alone_and_what_is_noted_of_it_is_kept(tmp_path: Path) -> None:
    tests = """
@pytest.mark.parametrize("number", range(5))
def test_a(dut, note, number):
    note(f"it is number {number % 2}")
    assert False
"""
    run(tmp_path, tests, "--dut", "stick")
    found = json.loads((tmp_path / "results/results.json").read_text())
    assert [test["outcome"] for test in found["tests"]] == ["failed"] * 3 + ["quarantined"] * 2
    assert found["tests"][3]["message"] == "stick failed 3 tests in a row"
    assert found["devices"][0]["notes"] == ["it is number 0", "it is number 1"]
    assert "hil release stick" not in (tmp_path / "results/report.html").read_text()


def test_power_is_switched_after_a_failure_of_a_device_that_may_be_interrupted(tmp_path: Path) -> None:
    _, _, notes = run(tmp_path, "def test_a(dut): assert False", "--dut", "stick")
    assert notes.count("cycled") == 1
    (tmp_path / "notes").unlink()
    _, _, notes = run(tmp_path, "def test_a(dut): assert False", "--dut", "uart")  # of which only reading is allowed
    assert notes.count("cycled") == 0


def test_a_hub_that_lies_after_a_failure_is_told_with_the_device(tmp_path: Path) -> None:
    (tmp_path / "lies").touch()
    run(tmp_path, "def test_a(dut): assert False", "--dut", "stick")
    document = json.loads((tmp_path / "results/results.json").read_text())
    (notes,) = (device["notes"] for device in document["devices"] if device["name"] == "stick")
    assert notes == [
        "after a failure, its power could not be switched:"
        " port 2 of hub 1-1 is off, but stick (1-1.2) is still there, and answers"
    ]


def test_the_power_of_a_device_that_is_refused_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mounted").touch()
    code, said, notes = run(tmp_path, "def test_a(dut): ...", "--dut", "stick")
    assert code == 10
    assert "stick is refused: it is mounted" in said
    assert "cycled" not in notes


_REAL = (
    RIG.replace("emulated", "local").replace('source = "storage"', "vid = 1").replace('source = "serial"', "pid = 2")
)


def test_the_power_of_a_device_that_somebody_else_uses_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WSLUSB_STATE_DIR", str(tmp_path / "state"))
    with lock.hold("0001:0002:9-1", tmp_path / "state/locks"):
        code, said, notes = run(tmp_path, "def test_a(dut): ...", "--dut", "stick", rig=_REAL)
    assert code == 10
    assert "0001:0002:9-1 is in use by process" in said
    assert "cycled" not in notes


def test_a_quarantine_that_cannot_be_read_is_said_by_each_test_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WSLUSB_STATE_DIR", str(tmp_path / "state"))
    (tmp_path / "state/quarantine.json").mkdir(parents=True)
    _, said, _ = run(tmp_path, "def test_a(dut): ...\ndef test_b(dut): ...", "--dut", "stick", rig=_REAL)
    assert said.count("RIG test_it.py") == 2
    assert "is in use" not in said


def test_a_device_that_keeps_everybody_waiting_gets_two_attempts_once(tmp_path: Path) -> None:
    (tmp_path / "power").touch()
    tests = """
from hil.live.side import ProbeError

def wait(dut): raise ProbeError("descriptors on guest: the device kept it waiting for 60 s", "TIMEOUT")
test_a = test_b = test_c = test_d = wait
"""
    _, _, notes = run(tmp_path, tests, "--dut", "stick")
    found = json.loads((tmp_path / "results/results.json").read_text())["tests"]
    assert [len(test["attempts"]) for test in found] == [2, 1, 1, 1]
    assert [test["outcome"] for test in found] == ["failed", "failed", "failed", "quarantined"]
    assert notes.count("cycled") == 1


@pytest.mark.parametrize("becomes", ["another", "gone"])
def test_a_device_is_remembered_as_what_it_was_when_it_was_admitted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, becomes: str
) -> None:
    monkeypatch.setenv("WSLUSB_STATE_DIR", str(tmp_path / "state"))
    tests = f"""
import pathlib

def test_a(dut):
    (pathlib.Path(__file__).parent / "{becomes}").touch()
    assert False, "other bytes"
"""
    assert run(tmp_path, tests, "--dut", "stick", rig=_REAL)[0] == 1
    found = Quarantine(tmp_path / "state/quarantine.json").trouble()
    assert [(key, each.failing) for key, each in found.items()] == [("0001:0002:9-1", 1)]
