"""The plug-in when the rig, the results' folder or the clock of pytest-timeout get in its way."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hil.rig import lock
from hil.rig.quarantine import Quarantine

_RIG = """
[host]
kind = "emulated"
[device.stick]
source = "storage"
traits = ["storage"]
safety = "reversible"
[device.uart]
source = "serial"
traits = ["serial"]
"""
_CONFTEST = """
import contextlib, json, pathlib
import pytest
from hil.errors import DeviceAbsentError, RigError
from hil.power import PowerError
from hil.harness import admission, fixtures, lifetime, observers, plugin
from hil.vm.machine import Machine
from wslusb.usb.info import DeviceInfo

NOTES = pathlib.Path(__file__).parent / "notes"

def note(word):
    with NOTES.open("a") as file:
        file.write(word + "\\n")

class Guest(Machine):
    name, release, alive = "guest", "6.12", True
    def __init__(self): pass

class Daemons:
    service = agent = None
    def __init__(self):
        self.guest = Guest()
        self.places = {"guest": self.guest}
        self.died = []
    def deaths(self):
        told, self.died = self.died, []
        return told
    def ready(self):
        note("ready")
        if (NOTES.parent / "no service").exists():
            raise RigError("the service does not come up: wslusb: error: there is no such device")

class Device:
    def __init__(self, rig, entry):
        self.rig, self.entry, self.name = rig, entry, entry.name
    def info(self):
        if (NOTES.parent / "gone").exists():
            raise DeviceAbsentError("stick: no device has VID 0x0001", hint="plugged in: nothing")
        return DeviceInfo(busid="9-1", vendor=1, product=2, serial="x" * (NOTES.parent / "another").exists())
    def has_left(self): return (NOTES.parent / "left").exists()
    def present(self): return not (NOTES.parent / "gone").exists()
    def departures(self): return int((NOTES.parent / "departures").read_text() or 0)
    def power_cycle(self):
        note("cycled")
        if (NOTES.parent / "lies").exists():
            raise PowerError("port 2 of hub 1-1 is off, but stick (1-1.2) is still there, and answers")
        if not (NOTES.parent / "power").exists():
            raise RigError("no power")

class Live:
    def __init__(self, rig):
        self.rig, self.daemons = rig, Daemons()
        self.host = self.guest = self.daemons.guest
        self.devices = {entry.name: Device(self, entry) for entry in rig.devices}
    def refusal(self, entry, info): return "it is mounted" if (NOTES.parent / "mounted").exists() else None
    def leave_alone(self, device): return None
    def troubles(self): return ["the host has died"] if (NOTES.parent / "dead").exists() else []
    def crashes(self): return ["the kernel of the host has crashed: BUG"] if (NOTES.parent / "crash").exists() else []
    def release(self): note("release")

@contextlib.contextmanager
def opened(rig, directory, ask):
    note("up")
    yield Live(rig)
    note("down")

lifetime.opened = opened
observers.keep_rings = lambda live: None
observers.collect = lambda *words: (_ for _ in ()).throw(OSError(28, "No space left on device"))
"""


def _run(folder: Path, tests: str, *options: str, rig: str = _RIG) -> tuple[int, str, list[str]]:
    """Exit code, what was printed, and what the rig was asked for."""
    (folder / "rig.toml").write_text(rig)
    (folder / "departures").touch()
    (folder / "conftest.py").write_text(_CONFTEST)
    (folder / "test_it.py").write_text(f"import pytest\n{tests}")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "hil.harness.plugin", "-p", "no:cacheprovider"]
    where = ["--rootdir", str(folder), "-c", "/dev/null", "--rig", str(folder / "rig.toml"), "--results"]
    results = [] if "--results" in options else ["--results", "results"]
    done = subprocess.run(
        [*command, *where[:-1], *results, *options, str(folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    notes = folder / "notes"
    return done.returncode, done.stdout + done.stderr, notes.read_text().split() if notes.exists() else []


def _outcomes(folder: Path) -> dict[str, str]:
    found: dict[str, Any] = json.loads((folder / "results/results.json").read_text())
    return {test["id"].partition("::")[2]: test["outcome"] for test in found["tests"]}


def test_a_service_that_does_not_start_is_tried_once_and_said_for_each_test(tmp_path: Path) -> None:
    (tmp_path / "no service").touch()
    code, said, notes = _run(tmp_path, "def test_a(dut): ...\ndef test_b(dut): ...\n")
    assert code == 10
    assert notes.count("ready") == 1
    assert said.count("the service does not come up: wslusb: error: there is no such device") >= 4
    assert set(_outcomes(tmp_path).values()) == {"infrastructure"}


def test_a_machine_that_died_is_started_anew_for_the_next_test(tmp_path: Path) -> None:
    tests = "def test_a(dut): dut.rig.guest.alive = dut.name != 'stick'\n"
    code, _, notes = _run(tmp_path, tests)
    assert code == 0
    assert notes == ["up", "ready", "ready", "down", "up", "ready", "ready", "down"]


def test_what_failed_is_taken_out_of_the_guest(tmp_path: Path) -> None:
    code, _, notes = _run(tmp_path, "def test_a(dut): assert dut.name != 'stick'\n")
    assert code == 1
    assert notes.count("release") == 1


def test_evidence_that_cannot_be_kept_costs_no_other_test(tmp_path: Path) -> None:
    code, said, _ = _run(tmp_path, "def test_a(dut): assert dut.name != 'stick'\n")
    assert code == 1
    assert "No space left on device" in said
    assert _outcomes(tmp_path) == {"test_a[stick]": "failed", "test_a[uart]": "passed"}


def test_time_that_is_over_between_two_attempts_costs_no_other_test(tmp_path: Path) -> None:
    tests = """
import time

@pytest.fixture(autouse=True)
def slow_power(dut, monkeypatch):
    monkeypatch.setattr(type(dut), "power_cycle", lambda self: time.sleep(30))

def test_a(dut): assert dut.name != "stick"
"""
    code, _, _ = _run(tmp_path, tests, "--timeout", "2")
    assert code == 1
    assert _outcomes(tmp_path) == {"test_a[stick]": "failed", "test_a[uart]": "passed"}


def test_a_folder_that_takes_no_results_is_said_before_the_first_test(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    code, said, notes = _run(tmp_path, "def test_a(dut): ...\n", "--results", "taken/results")
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
    code, said, notes = _run(tmp_path, tests)
    assert code == 10
    assert "no report: cannot write" in said
    assert notes[-1] == "down"


def test_sigterm_ends_a_session_in_order(tmp_path: Path) -> None:
    tests = "import os, signal, time\ndef test_a(dut):\n    os.kill(os.getpid(), signal.SIGTERM)\n    time.sleep(30)\n"
    code, said, notes = _run(tmp_path, f"def test_first(dut): ...\n{tests}")
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
    _run(tmp_path, tests)
    assert json.loads((tmp_path / "results/results.json").read_text())["interrupted"]


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_a_run_that_is_interrupted_in_its_first_test_leaves_no_earlier_one_s_results(
    tmp_path: Path, number: str
) -> None:
    assert _run(tmp_path, "def test_a(dut): ...\n")[0] == 0
    ended = f"os.kill(os.getpid(), signal.{number})"
    tests = f"import os, signal, time\ndef test_a(dut):\n    {ended}\n    time.sleep(30)\n"
    code, said, notes = _run(tmp_path, tests)
    assert code == pytest.ExitCode.INTERRUPTED
    assert "report: " in said
    assert notes[-1] == "down"
    left = json.loads((tmp_path / "results/results.json").read_text())
    assert (left["interrupted"], left["tests"], left["unfinished"]) == (True, [], 2)
    assert "The run was interrupted before its first result." in (tmp_path / "results/report.html").read_text()
    earlier = json.loads((tmp_path / "results/previous/results.json").read_text())
    assert (earlier["interrupted"], len(earlier["tests"])) == (False, 2)


def test_a_device_that_keeps_failing_is_left_alone_and_what_is_noted_of_it_is_kept(tmp_path: Path) -> None:
    tests = """
@pytest.mark.parametrize("number", range(5))
def test_a(dut, note, number):
    note(f"it is number {number % 2}")
    assert False
"""
    _run(tmp_path, tests, "--dut", "stick")
    found = json.loads((tmp_path / "results/results.json").read_text())
    assert [test["outcome"] for test in found["tests"]] == ["failed"] * 3 + ["quarantined"] * 2
    assert found["tests"][3]["message"] == "stick failed 3 tests in a row"
    assert found["devices"][0]["notes"] == ["it is number 0", "it is number 1"]
    assert "hil release stick" not in (tmp_path / "results/report.html").read_text()


def test_a_session_that_comes_to_no_test_leaves_the_results_as_they_are(tmp_path: Path) -> None:
    _run(tmp_path, "def test_a(dut): ...\n")
    before = (tmp_path / "results/results.json").read_bytes()
    for options in (("-k", "nothing"), ("--collect-only",)):
        _run(tmp_path, "def test_a(dut): ...\n", *options)
    _run(tmp_path, "a mistake of syntax\n")
    assert (tmp_path / "results/results.json").read_bytes() == before


def test_an_earlier_run_to_be_held_against_has_to_be_one(tmp_path: Path) -> None:
    code, said, _ = _run(tmp_path, "def test_a(dut): ...\n", "--against", str(tmp_path / "none.json"))
    assert code == pytest.ExitCode.USAGE_ERROR
    assert f"--against: {tmp_path}/none.json: No such file or directory" in said


def test_a_device_that_left_is_said_to_have_left(tmp_path: Path) -> None:
    tests = """
import pathlib

def test_a(dut):
    (pathlib.Path(__file__).parent / "left").touch()
    assert False, "an error of input and output"
"""
    assert _run(tmp_path, tests, "--dut", "stick")[0] == 1
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
    assert _run(tmp_path, tests, "--dut", "stick")[0] == 1
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
    code, said, _ = _run(tmp_path, _KILLED.format(signal="SIGKILL"))
    assert code == 10
    assert set(_outcomes(tmp_path).values()) == {"infrastructure"}
    assert "the service of wslusb was killed from outside, by SIGKILL: an error of input and output" in said


def test_a_daemon_that_dies_is_a_failure_of_its_test(tmp_path: Path) -> None:
    assert _run(tmp_path, _KILLED.format(signal=""))[0] == 1
    assert set(_outcomes(tmp_path).values()) == {"failed"}


def test_power_is_switched_after_a_failure_of_a_device_that_may_be_interrupted(tmp_path: Path) -> None:
    _, _, notes = _run(tmp_path, "def test_a(dut): assert False", "--dut", "stick")
    assert notes.count("cycled") == 1
    (tmp_path / "notes").unlink()
    _, _, notes = _run(tmp_path, "def test_a(dut): assert False", "--dut", "uart")  # of which only reading is allowed
    assert notes.count("cycled") == 0


def test_a_hub_that_lies_after_a_failure_is_told_with_the_device(tmp_path: Path) -> None:
    (tmp_path / "lies").touch()
    _run(tmp_path, "def test_a(dut): assert False", "--dut", "stick")
    document = json.loads((tmp_path / "results/results.json").read_text())
    (notes,) = (device["notes"] for device in document["devices"] if device["name"] == "stick")
    assert notes == [
        "after a failure, its power could not be switched:"
        " port 2 of hub 1-1 is off, but stick (1-1.2) is still there, and answers"
    ]


def test_the_power_of_a_device_that_is_refused_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mounted").touch()
    code, said, notes = _run(tmp_path, "def test_a(dut): ...", "--dut", "stick")
    assert code == 10
    assert "stick is refused: it is mounted" in said
    assert "cycled" not in notes


_REAL = (
    _RIG.replace("emulated", "local").replace('source = "storage"', "vid = 1").replace('source = "serial"', "pid = 2")
)


def test_the_power_of_a_device_that_somebody_else_uses_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WSLUSB_STATE_DIR", str(tmp_path / "state"))
    with lock.hold("0001:0002:9-1", tmp_path / "state/locks"):
        code, said, notes = _run(tmp_path, "def test_a(dut): ...", "--dut", "stick", rig=_REAL)
    assert code == 10
    assert "0001:0002:9-1 is in use by process" in said
    assert "cycled" not in notes


def test_a_quarantine_that_cannot_be_read_is_said_by_each_test_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WSLUSB_STATE_DIR", str(tmp_path / "state"))
    (tmp_path / "state/quarantine.json").mkdir(parents=True)
    _, said, _ = _run(tmp_path, "def test_a(dut): ...\ndef test_b(dut): ...", "--dut", "stick", rig=_REAL)
    assert said.count("RIG test_it.py") == 2
    assert "is in use" not in said


def test_a_device_that_keeps_everybody_waiting_gets_two_attempts_once(tmp_path: Path) -> None:
    (tmp_path / "power").touch()
    tests = """
from hil.live.side import ProbeError

def wait(dut): raise ProbeError("descriptors on guest: the device kept it waiting for 60 s", "TIMEOUT")
test_a = test_b = test_c = test_d = wait
"""
    _, _, notes = _run(tmp_path, tests, "--dut", "stick")
    found = json.loads((tmp_path / "results/results.json").read_text())["tests"]
    assert [len(test["attempts"]) for test in found] == [2, 1, 1, 1]
    assert [test["outcome"] for test in found] == ["failed", "failed", "failed", "quarantined"]
    assert notes.count("cycled") == 1


@pytest.mark.parametrize("error", ["VerbFailedError('guest', 'the agent has no host')", "AssertionError('no host')"])
def test_what_fails_while_a_machine_is_dead_is_not_judged(tmp_path: Path, error: str) -> None:
    tests = f"""
import pathlib
from hil.errors import VerbFailedError

def test_a(dut):
    (pathlib.Path(__file__).parent / "dead").touch()
    raise {error}
"""
    code, _, _ = _run(tmp_path, tests, "--dut", "uart")
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
    code, _, _ = _run(tmp_path, tests, "--dut", "uart")
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
    _, _, notes = _run(tmp_path, tests, "--dut", "stick")
    assert [each["outcome"] for each in json.loads((tmp_path / "results/results.json").read_text())["tests"]] == [
        "flaky"
    ]
    assert notes.count("up") == 2
    assert "cycled" not in notes


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
    assert _run(tmp_path, tests, "--dut", "stick", rig=_REAL)[0] == 1
    found = Quarantine(tmp_path / "state/quarantine.json").trouble()
    assert [(key, each.failing) for key, each in found.items()] == [("0001:0002:9-1", 1)]
