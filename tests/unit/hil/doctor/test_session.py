"""hil.doctor: the connection, clocks, room and programs; and the verb itself."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from hil.cli import doctor as verb
from hil.cli.program import program
from hil.doctor import Examination, check, machines, session
from hil.errors import CommandFailedError, CommandTimeoutError
from hil.rig.model import DeviceEntry, PlaceEntry, PowerEntry, Rig
from hil.vm.machine import PROJECT
from hil.vm.remote import Result
from wslusb.cli.output import ExitCode
from wslusb.doctor.check import Finding, Outcome
from wslusb.doctor.check import Result as Checked


class Machine:
    """One that answers what it is told to answer."""

    interpreter = "python3"

    def __init__(self, name: str) -> None:
        self.name = name
        self.ahead = 0.0
        self.programs = {"uhubctl", "ykushcmd"}
        self.doctor: Any = {"checks": []}

    def run(self, command: Any, **_: object) -> Result:
        import time

        if command[0] == "date":
            return answer(f"{time.time() + self.ahead}\n")
        return answer(code=0 if command.rpartition(" ")[2] in self.programs else 1)

    def python(self, *_: object, **__: object) -> Result:
        return answer(self.doctor if isinstance(self.doctor, str) else json.dumps(self.doctor))


def answer(text: str = "", code: int = 0) -> Result:
    return Result("", code, text, "", text, 0)


class Daemons:
    """Service and agent, as well as they are."""

    def __init__(self, guest: Machine) -> None:
        self.guest = guest
        self.agent: Any = None
        self.service_error: Exception | None = None
        self.agent_says = ""

    def start_service(self) -> None:
        if self.service_error is not None:
            raise self.service_error

    def start_agent(self) -> None:
        self.agent = SimpleNamespace(output=self.agent_says)
        if self.agent_says:
            raise CommandTimeoutError("guest", "no 'connected to ' within 60 s")

    def json(self, *_: object) -> Any:
        return {"agent": {"host_name": "wslusb 1 (Linux)", "host": "vsock:2"}}


class World:
    """A rig that is up."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.host, self.guest = Machine("bench"), Machine("board")
        self.daemons = Daemons(self.guest)
        self.host_entry, self.guest_entry = PlaceEntry("local"), PlaceEntry("ssh", {"address": "root@board"})
        self.power = "none"

    def finding(self, name: str) -> Finding:
        devices = (DeviceEntry(name="stick", power=PowerEntry(self.power)),)
        rig = Rig(name="bench", host=self.host_entry, guest=self.guest_entry, devices=devices)
        examination = Examination(rig=rig, directory=self.folder, results=self.folder / "results")
        examination.up = SimpleNamespace(daemons=self.daemons)  # type: ignore[assignment]  # all that is looked at
        examination.places = {"host": self.host, "guest": self.guest}  # type: ignore[dict-item]  # likewise
        checks = [each for each in (*machines.CHECKS, *session.CHECKS) if each.name == name]
        return next(check.run(examination, checks, [])).finding


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


Spoil = Callable[[World], object]


@pytest.mark.parametrize(
    ("name", "spoil", "outcome", "text", "fix"),
    [
        ("transport", lambda _: None, Outcome.PASS, "connected to wslusb 1 (Linux) at vsock:2", ""),
        ("transport", lambda w: setattr(w.daemons, "service_error", CommandFailedError("bench", "x\naddress in use")),
         Outcome.FAIL, "the service does not start: address in use", "'listen' in [host]"),
        ("transport", lambda w: setattr(w.daemons, "agent_says", "wslusb: warning: no host at vsock:2\nwaiting"),
         Outcome.FAIL, "the agent does not reach the service: wslusb: warning: no host at vsock:2", "is the guest one"),
        ("clock", lambda _: None, Outcome.PASS, "the guest's clock is 0.0", ""),
        ("clock", lambda w: setattr(w, "guest", w.host), Outcome.SKIP, "one machine", ""),
        ("clock", lambda w: setattr(w.guest, "ahead", -90.0), Outcome.FAIL, "clock is 90.0", "hwclock -s"),
        ("clock", lambda w: setattr(w.host, "ahead", -90.0), Outcome.FAIL, " s ahead", "chrony"),
        ("tools", lambda w: setattr(w, "power", "uhubctl"), Outcome.PASS, "all that the rig needs", ""),
        ("tools", lambda w: (setattr(w, "power", "ykush"), w.host.programs.clear()), Outcome.FAIL, "no ykushcmd on ben",
         "Yepkit"),
        ("libusb", lambda w: setattr(w.host, "doctor", "Traceback\nOSError: x"), Outcome.FAIL, "OSError: x", "log"),
        ("host_vsock", lambda w: setattr(w, "host_entry", PlaceEntry("local", {"listen": ["unix:/x"]})), Outcome.SKIP,
         "does not use vsock", ""),
    ],
)  # fmt: skip
def test_what_is_found(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str, spoil: Spoil, outcome: Outcome, text: str, fix: str
) -> None:
    monkeypatch.setattr(session, "present", lambda _: True)
    spoil(world)
    found = world.finding(name)
    assert found.outcome is outcome
    assert text in found.text
    assert fix in found.fix


def test_what_wslusbs_own_doctor_says_of_a_side_says_where(world: World) -> None:
    fields = {"name": "vhci", "title": "vhci_hcd", "outcome": "fail", "text": "no vhci_hcd", "fix": "take another"}
    world.guest.doctor = {"checks": [fields]}
    assert world.finding("vhci") == Finding(Outcome.FAIL, "no vhci_hcd", "on board: take another")


@pytest.mark.parametrize(("free", "outcome"), [(100, Outcome.FAIL), (1000, Outcome.WARNING), (50_000, Outcome.PASS)])
def test_room(world: World, monkeypatch: pytest.MonkeyPatch, free: int, outcome: Outcome) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free << 20))
    found = world.finding("room")
    assert found.outcome is outcome
    assert f"{free} MiB free in {world.folder}" == found.text


# -- the verb


def doctored(monkeypatch: pytest.MonkeyPatch, *results: Checked) -> None:
    monkeypatch.setattr("hil.doctor.diagnose", lambda _: iter(results))


GOOD = Checked("host", "Host", Finding(Outcome.PASS, "here"))
BAD = Checked("power[stick]", "stick: power", Finding(Outcome.FAIL, "it lies", "another hub"))


@pytest.fixture
def rig_file(tmp_path: Path) -> Path:
    path = tmp_path / "rig.toml"
    path.write_text("[rig]\nname = 'bench'\n[device.stick]\nvid = 0x0951\n")
    return path


def test_a_good_rig(rig_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    doctored(monkeypatch, GOOD)
    ended = CliRunner().invoke(verb.command, ["--rig", str(rig_file)], standalone_mode=False)
    assert ended.return_value == ExitCode.SUCCESS
    assert "bench, with stick" in ended.stdout


def test_a_bad_rig_as_json(rig_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    doctored(monkeypatch, GOOD, BAD)
    ended = CliRunner().invoke(verb.command, ["--rig", str(rig_file), "--json"], standalone_mode=False)
    assert ended.return_value == ExitCode.FAILURE
    said = json.loads(ended.stdout)
    assert (said["schema"], said["ok"], said["rig"]) == ("hil.doctor/1", False, str(rig_file))
    assert said["checks"][-1] == {
        "name": "power[stick]", "title": "stick: power", "outcome": "fail", "text": "it lies", "fix": "another hub",
    }  # fmt: skip


def test_a_rig_file_with_mistakes_is_a_finding_each(rig_file: Path) -> None:
    rig_file.write_text("[device.stick]\nvid = 'x'\nsafety = 'none'\n")
    ended = CliRunner().invoke(verb.command, ["--rig", str(rig_file), "--json"], standalone_mode=False)
    assert ended.return_value == ExitCode.FAILURE
    texts = [each["text"] for each in json.loads(ended.stdout)["checks"]]
    assert [f"{rig_file}:{line}:" in text for line, text in zip((2, 3), texts, strict=True)] == [True, True]


def test_no_rig_file_at_all(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "hil", "doctor"]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(PROJECT), "HOME": str(tmp_path)}
    ended = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == ExitCode.FAILURE
    assert ended.stderr.splitlines() == [
        "hil: error: there is no rig file.", "hil: hint: 'python -m hil suggest -o rig.toml' writes one.",
    ]  # fmt: skip


def test_the_program_has_the_verb() -> None:
    ended = CliRunner().invoke(program, ["doctor", "--help"], standalone_mode=False)
    assert "--switch" in ended.stdout
