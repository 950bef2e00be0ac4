"""hil.live.rig: what it believes is plugged in."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from hil.errors import CommandTimeoutError, DeviceAbsentError, MachineDiedError, MachineError
from hil.live import rig as live
from hil.rig.model import Rig
from hil.vm.machine import Machine
from hil.vm.remote import Result
from wslusb.usb.info import DeviceInfo


class Daemons:
    """A service that notices a port's switching when it is told to, and a host whose folder has what is out."""

    running = True
    service = None
    guest = None

    def __init__(self) -> None:
        self.host = self
        self.places: dict[str, object] = {}
        self.out: list[str] = []
        self.listed = ["9-1", "9-2"]
        self.asked = 0

    def run(self, *_command: object, **_words: object) -> Result:
        return Result("ls", 0, "".join(f"{each}\n" for each in self.out), "", "", 0.1)

    def json(self, *_words: object) -> dict[str, Any]:
        self.asked += 1
        return {"devices": [{"busid": each} for each in self.listed]}


@pytest.fixture
def daemons() -> Daemons:
    return Daemons()


@pytest.fixture
def rig(daemons: Daemons, monkeypatch: pytest.MonkeyPatch) -> live.LiveRig:
    infos = [DeviceInfo(busid=busid, vendor=1, product=2) for busid in daemons.listed]
    monkeypatch.setattr(live.LiveRig, "_virtual", infos)
    given = cast("Any", daemons)
    return live.LiveRig(cast("Rig", None), given, Path(), backend="emulated", providers=["emulator:"], ports=Path("p"))


def _there(rig: live.LiveRig) -> list[str]:
    return [info.busid for info in rig.infos()]


def test_the_service_is_asked_again_only_when_something_has_changed(rig: live.LiveRig, daemons: Daemons) -> None:
    assert _there(rig) == _there(rig) == ["9-1", "9-2"]
    assert daemons.asked == 1
    daemons.out, daemons.listed = ["9-1"], ["9-2"]
    assert _there(rig) == _there(rig) == ["9-2"]
    assert daemons.asked == 2


def test_what_the_service_has_not_seen_yet_is_asked_for_until_it_has(rig: live.LiveRig, daemons: Daemons) -> None:
    daemons.out = ["9-1"]
    assert _there(rig) == ["9-1", "9-2"]
    daemons.listed = ["9-2"]
    assert _there(rig) == ["9-2"]
    daemons.out = []
    assert _there(rig) == ["9-2"]
    daemons.listed = ["9-1", "9-2"]
    assert _there(rig) == ["9-1", "9-2"]


def test_a_device_has_the_guest_for_itself(rig: live.LiveRig) -> None:
    detached = []

    def device(name: str, *, gone: bool = False) -> Any:
        def detach() -> None:
            if gone:
                raise DeviceAbsentError(name)
            detached.append(name)

        return SimpleNamespace(detach=detach)

    rig.devices = {"gone": device("gone", gone=True), "stick": device("stick"), "mouse": device("mouse")}
    rig.leave_alone(rig.devices["stick"])
    assert detached == ["mouse"]


class Ill(Machine):
    """A virtual machine that takes a command and does nothing, or is dead."""

    name = "guest"
    killed = False

    def __init__(self, error: type[MachineError] = CommandTimeoutError, *, joined: bool = True) -> None:
        self.is_joined = lambda: joined
        self._error = error

    def run(self, *_command: object, **_words: object) -> Result:
        raise self._error("guest", "no answer")

    def kill(self) -> None:
        self.killed = True

    alive = False
    last_words = ""

    def dmesg(self) -> str:
        return self.last_words


def test_a_virtual_machine_that_hangs_is_ended_so_that_nobody_waits_for_it_any_more(
    rig: live.LiveRig, daemons: Daemons
) -> None:
    hanging = Ill()
    daemons.places = {"host": daemons, "guest": hanging}
    assert rig.troubles() == ["guest does nothing that it is told any more"]
    assert hanging.killed
    daemons.places = {"host": daemons}
    assert rig.troubles() == []


def test_a_machine_that_is_dead_or_alone_is_told_as_such(rig: live.LiveRig, daemons: Daemons) -> None:
    daemons.places = {"one": Ill(MachineDiedError), "other": Ill(joined=False)}
    assert rig.troubles() == ["guest has died", "guest has lost the way to the other machine"]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("", []),
        ("[   9.1] usb 1-1: new device\n", []),
        (
            "[  9.1] Kernel panic - not syncing: Fatal exception\r\n[  9.2] Rebooting",
            ["the kernel of guest has crashed: Kernel panic - not syncing: Fatal exception"],
        ),
    ],
)
def test_a_machine_that_is_dead_by_its_own_kernel_s_word_has_crashed(
    rig: live.LiveRig, daemons: Daemons, said: str, told: list[str]
) -> None:
    dead = Ill(MachineDiedError)
    dead.last_words = said
    daemons.places = {"guest": dead}
    assert rig.crashes() == told
