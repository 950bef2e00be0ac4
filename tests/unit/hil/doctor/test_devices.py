"""hil.doctor: devices that are absent, doubled, changed, refused, in use, or whose power only seems to switch."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hil import power
from hil.doctor import Examination, check, devices
from hil.guided import StepSkippedError
from hil.live.rig import LiveRig
from hil.rig import fingerprint, lock
from hil.rig.matching import key
from hil.rig.model import DeviceEntry, Match, PlaceEntry, PowerEntry, Rig, Safety
from hil.rig.quarantine import LIMIT, Quarantine
from hil.vm.remote import Result
from tests.support.bench import UHUBCTL, Bench
from wslusb.doctor.check import Finding, Outcome
from wslusb.usb.descriptors import Configuration, DeviceDescriptor, Endpoint, Interface
from wslusb.usb.ids import Speed
from wslusb.usb.info import DeviceInfo

DEVICE = DeviceDescriptor(0x0951, 0x1666)
CONFIGURATION = Configuration(1, [Interface(0, interface_class=8, endpoints=[Endpoint(0x81, 2, 512)])])
STICK = DeviceInfo(
    busid="1-1.2", vendor=0x0951, product=0x1666, bcd_device=0x0100, serial="S2", speed=Speed.HIGH,
    device_descriptor=DEVICE.pack(), configurations=(CONFIGURATION.pack(),), active_configuration=1,
)  # fmt: skip
ENTRY = DeviceEntry(
    name="stick", match=Match(0x0951, 0x1666, "S2"), fingerprint=fingerprint.of(STICK), safety=Safety.REVERSIBLE
)


class World:
    """A rig that is up, on a bench in a folder."""

    def __init__(self, folder: Path) -> None:
        self.bench = Bench(folder)
        self.entry = ENTRY
        self.others: tuple[DeviceEntry, ...] = ()
        self.infos = [STICK]
        self.in_use: dict[str, Any] = {"disks": {}, "networks": {}}
        self.node = (0, "/dev/bus/usb/001/005")
        self.switch_it = False
        self.ask: Any = None
        self.bench.run = self._run  # type: ignore[method-assign]  # its /sys is not this machine's
        self._plain = Bench.run

    def _run(self, command: Any, **options: Any) -> Result:
        if "/sys/bus/usb/devices" in command:
            code, said = self.node
            return Result("", code, f"{said}\n", "", f"{said}\n", 0)
        return self._plain(self.bench, command, **options)

    def python(self, *_: object) -> SimpleNamespace:
        """The daemons' way to run a probe: in_use is the only one that is asked for."""
        said = json.dumps({"result": self.in_use})
        return SimpleNamespace(wait=lambda _: Result("", 0, said, "", said, 0))

    def wait(self, *, present: bool, seconds: float = 0) -> float:
        there = "1-1.2" in self.bench.there()
        assert there is present, f"not within {seconds} s: stick is {'back' if present else 'gone'}"
        return 0.0

    def examine(self) -> dict[str, Finding]:
        host = PlaceEntry("local")
        rig = Rig(name="bench", host=host, guest=host, devices=(self.entry, *self.others))
        live = SimpleNamespace(
            rig=rig, is_physical=True, host=self.bench, daemons=self, infos=lambda: self.infos,
            devices={"stick": SimpleNamespace(wait=self.wait)},
            switch=lambda _: power.make(self.entry, self.bench, ask=self.ask),
        )  # fmt: skip
        live.refusal = functools.partial(LiveRig.refusal, live)  # type: ignore[arg-type]  # it asks no more of it
        examination = Examination(
            rig=rig, directory=self.bench.folder, results=self.bench.folder, switch=self.switch_it
        )
        examination.up = live  # type: ignore[assignment]  # as much of one as these checks need
        found = check.run(examination, [], devices.CHECKS)
        return {result.name.partition("[")[0]: result.finding for result in found}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("WSLUSB_STATE_DIR", str(tmp_path / "state"))
    return World(tmp_path)


def test_where_all_is_well(world: World) -> None:
    found = world.examine()
    assert {each.outcome for each in found.values()} == {Outcome.PASS, Outcome.SKIP}
    assert found["power"].outcome is Outcome.SKIP, "no power is given"
    assert found["present"].text == "1-1.2, 0951:1666 USB device 0951:1666, high speed"


Change = Callable[[World], object]


def change(**fields: Any) -> Change:
    return lambda world: setattr(world, "entry", replace(world.entry, **fields))


@pytest.mark.parametrize(
    ("name", "spoil", "outcome", "text", "fix"),
    [
        ("present", lambda w: w.infos.clear(), Outcome.FAIL, "no device has vid 0x0951", "plug it in, or correct"),
        ("present", lambda w: w.infos.append(replace(STICK, busid="1-1.3")), Outcome.FAIL, "fits 2", "a serial or"),
        ("fingerprint", change(fingerprint=""), Outcome.WARNING, "has none", f"fingerprint = '{ENTRY.fingerprint}'"),
        ("fingerprint", change(fingerprint="", source="serial"), Outcome.SKIP, "made for the run", ""),
        ("traits", change(traits=frozenset({"any", "storage"})), Outcome.PASS, "storage", ""),
        ("traits", change(traits=frozenset({"any"})), Outcome.PASS, "show storage, too: no test asks", ""),
        ("traits", change(traits=frozenset({"any", "hid"})), Outcome.WARNING, "no hid, but storage", "[device.stick]"),
        ("traits", change(traits=frozenset({"storage", "serial-loopback"})), Outcome.PASS, "storage", ""),
        ("allowed", lambda w: w.in_use["disks"].update({"1-1.2": ["/"]}), Outcome.FAIL, "refused: it is a disk", "out"),
        ("allowed", lambda w: w.in_use["networks"].update({"1-1.2": ["ssh"]}), Outcome.FAIL, "network card", "out"),
        ("node", lambda w: setattr(w, "node", (4, "/dev/bus/usb/001/005")), Outcome.FAIL, "001/005 may not be written",
         'ATTR{idVendor}=="0951"'),
        ("node", lambda w: setattr(w, "node", (3, "/dev/bus/usb/001/005")), Outcome.FAIL, "no /dev/bus/usb", "udev"),
        ("node", lambda w: setattr(w, "node", (1, "")), Outcome.FAIL, "there is no node", "udev"),
    ],
)  # fmt: skip
def test_what_is_found(world: World, name: str, spoil: Change, outcome: Outcome, text: str, fix: str) -> None:
    spoil(world)
    found = world.examine()[name]
    assert found.outcome is outcome
    assert text in found.text
    assert fix in found.fix


def test_two_entries_for_one_device_are_refused(world: World) -> None:
    world.others = (DeviceEntry(name="disk", match=Match(port="1-1.2")),)
    found = world.examine()["allowed"]
    assert found.outcome is Outcome.FAIL
    assert "1-1.2 is the device of stick, too" in found.text, "that is said of the other one"


def test_nothing_is_looked_at_of_a_device_that_is_not_there(world: World) -> None:
    world.infos.clear()
    texts = {each.text for name, each in world.examine().items() if name != "present"}
    assert texts == {"not looked at because of: stick: plugged in"}


def test_other_descriptors_are_shown_by_field_if_they_were_seen_before(world: World) -> None:
    assert world.examine()["fingerprint"].text == "as in the rig file"
    slower = Configuration(1, [Interface(0, interface_class=8, endpoints=[Endpoint(0x81, 2, 64)])])
    other = replace(DEVICE, bcd_device=0x0110).pack()
    changed = replace(STICK, device_descriptor=other, configurations=(slower.pack(),), speed=Speed.FULL)
    world.infos = [changed]
    found = world.examine()["fingerprint"]
    assert found.outcome is Outcome.FAIL
    assert found.text == (
        "its descriptors have changed: it is at full speed, was at high; bcdDevice 1.10, was 1.00; "
        "wMaxPacketSize 0x0040, was 0x0200"
    )
    assert fingerprint.of(changed) in found.fix


def test_other_descriptors_that_were_never_seen_are_told_by_what_they_are_now(world: World) -> None:
    world.entry = replace(ENTRY, fingerprint="sha256:" + "0" * 64)
    found = world.examine()["fingerprint"]
    assert found.outcome is Outcome.FAIL
    assert "now it is bcdDevice 1.00, high speed" in found.text


def test_a_damaged_memory_is_no_memory(world: World) -> None:
    world.examine()
    for path in (world.bench.folder / "state/descriptors").iterdir():
        path.write_text("{")
    world.infos = [replace(STICK, configurations=())]
    assert "not those of the rig file" in world.examine()["fingerprint"].text


def test_a_device_that_somebody_uses(world: World) -> None:
    with lock.hold(key(STICK)):
        found = world.examine()["free"]
    assert found.outcome is Outcome.FAIL
    assert "is in use by" in found.text
    assert world.examine()["free"].text == "free"


def test_a_device_in_quarantine(world: World) -> None:
    for _ in range(LIMIT):
        Quarantine().record(key(STICK), "stick", failed=True, reason="it lied")
    found = world.examine()["free"]
    assert found.outcome is Outcome.WARNING
    assert found.fix == "mend it, and run 'python -m hil release stick'"


def hub(world: World, mood: str = "honest", **options: Any) -> None:
    world.bench.program("uhubctl", UHUBCTL)
    world.bench.mood = mood
    given = {"location": "1-1", "port": 2, **options}
    world.entry = replace(world.entry, power=PowerEntry("uhubctl", given))


def test_power_is_looked_at_and_left_alone(world: World) -> None:
    hub(world)
    found = world.examine()["power"]
    assert found.text == "port 2 of hub 1-1 (uhubctl); --switch proves it, and interrupts the device"
    hub(world, port=9)
    assert world.examine()["power"].text == "hub 1-1 has no port 9"


def test_power_that_switches(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_PAUSE_SECONDS", 0)
    hub(world)
    world.switch_it = True
    found = world.examine()["power"]
    assert found.outcome is Outcome.PASS
    assert "gone in " in found.text
    assert world.bench.there() == {"1-1.2", "1-1.3"}


@pytest.mark.parametrize(("mood", "text"), [("lies", "still there, and answers"), ("wrong", ") went instead")])
def test_power_that_only_seems_to_switch(world: World, monkeypatch: pytest.MonkeyPatch, mood: str, text: str) -> None:
    monkeypatch.setattr("hil.power.uhubctl.Uhubctl.leave_seconds", 0.1)
    hub(world, mood)
    world.switch_it = True
    found = world.examine()["power"]
    assert found.outcome is Outcome.FAIL
    assert text in found.text
    assert found.fix


def test_power_is_not_switched_where_the_owner_allows_only_reading(world: World) -> None:
    hub(world)
    world.switch_it = True
    world.entry = replace(world.entry, safety=Safety.READ_ONLY)
    found = world.examine()["power"]
    assert found.outcome is Outcome.SKIP
    assert "not switched: the rig file allows read-only tests of stick" in found.text


def test_a_refused_device_is_never_switched(world: World) -> None:
    hub(world)
    world.switch_it = True
    world.in_use["disks"]["1-1.2"] = ["/"]
    assert world.examine()["power"].outcome is Outcome.SKIP
    assert (world.bench.folder / "powered/1-1.2").exists()


def test_power_by_hand_without_anybody(world: World) -> None:
    world.entry = replace(world.entry, power=PowerEntry("manual"))
    found = world.examine()["power"]
    assert found == Finding(Outcome.SKIP, "by hand: stick: nobody can be asked to unplug it")


def test_power_by_hand_of_somebody_who_does_not_want_to(world: World) -> None:
    class Unwilling:
        reason = ""

        def until(self, *_: object) -> None:
            raise StepSkippedError("skipped by whoever was asked")

    world.ask, world.switch_it = Unwilling(), True
    world.entry = replace(world.entry, power=PowerEntry("manual"))
    assert world.examine()["power"] == Finding(Outcome.SKIP, "by hand: skipped by whoever was asked")


def test_every_failure_has_a_fix(world: World) -> None:
    spoilers: Sequence[Change] = (
        lambda w: w.infos.clear(), change(fingerprint="sha256:" + "0" * 64),
        lambda w: w.in_use["disks"].update({"1-1.2": ["/"]}), lambda w: hub(w, "denied"), lambda w: hub(w, "broken"),
    )  # fmt: skip
    for spoil in spoilers:
        world.infos, world.entry, world.in_use = [STICK], ENTRY, {"disks": {}, "networks": {}}
        spoil(world)
        failures = [each for each in world.examine().values() if each.outcome is Outcome.FAIL]
        assert failures
        assert all(each.fix for each in failures)
