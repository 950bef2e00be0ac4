"""Runs of the plug-in on a rig that is invented: what befalls it is told by files in a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.unit.hil.harness.runs import run_folder

__all__ = ["RIG", "outcomes", "run"]

RIG = """
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
observers.drop_rings = lambda live: note("dropped")
observers.ring = lambda live, place, device: b"of " + device.encode()
observers.collect = lambda *words: (_ for _ in ()).throw(OSError(28, "No space left on device"))
"""


def run(folder: Path, tests: str, *options: str, rig: str = RIG) -> tuple[int, str, list[str]]:
    """Exit code, what was printed, and what the rig was asked for."""
    (folder / "rig.toml").write_text(rig)
    (folder / "departures").touch()
    (folder / "conftest.py").write_text(_CONFTEST)
    (folder / "test_it.py").write_text(f"import pytest\n{tests}")
    results = [] if "--results" in options else ["--results", "results"]
    code, said = run_folder(folder, "--rig", str(folder / "rig.toml"), *results, *options)
    notes = folder / "notes"
    return code, said, notes.read_text().split() if notes.exists() else []


def outcomes(folder: Path) -> dict[str, str]:
    found: dict[str, Any] = json.loads((folder / "results/results.json").read_text())
    return {test["id"].partition("::")[2]: test["outcome"] for test in found["tests"]}
