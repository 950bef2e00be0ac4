"""hil.live.device: what a device has, and whether it is there still."""

from __future__ import annotations

from typing import Any, cast

import pytest

from hil.errors import CommandFailedError
from hil.live import device as live
from hil.rig.model import DeviceEntry, Match
from wslusb.usb.info import DeviceInfo

STICK = DeviceInfo(busid="1-2", vendor=1, product=2, serial="A")
OTHER = DeviceInfo(busid="1-2", vendor=1, product=2, serial="B")


class Rig:
    """A host that says one list after the other, the last for ever."""

    running = True
    offs = 0
    output = ""

    def __init__(self, *lists: list[DeviceInfo]) -> None:
        self.service = self
        self.daemons = self
        self._lists = list(lists)

    def switch(self, _name: str) -> Rig:
        return self

    def infos(self) -> list[DeviceInfo]:
        if not self._lists:
            raise CommandFailedError("host", "no answer")
        return self._lists.pop(0) if len(self._lists) > 1 else self._lists[0]


def device(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> live.LiveDevice:
    monkeypatch.setattr(live, "_MOMENT_SECONDS", 0.1)
    return live.LiveDevice(cast("Any", rig), DeviceEntry(name="stick", match=Match(serial="A")), "libusb")


def test_a_device_has_the_traits_that_its_entry_gives_it() -> None:
    entry = DeviceEntry(name="stick", traits=frozenset({"any", "storage"}))
    stick = live.LiveDevice(cast("Any", Rig([])), entry, "libusb")
    assert (stick.has("storage"), stick.has("any"), stick.has("serial")) == (True, True, False)


@pytest.mark.parametrize("lists", [[[]], [[OTHER]]], ids=["nothing", "with another serial"])
def test_a_device_that_is_not_there_any_more_has_left(
    lists: list[list[DeviceInfo]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert device(Rig(*lists), monkeypatch).has_left()


def test_one_that_is_away_for_a_moment_has_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not device(Rig([], [], [STICK]), monkeypatch).has_left()


def test_nobody_knows_of_a_host_that_does_not_answer_or_has_no_service(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not device(Rig(), monkeypatch).has_left()
    rig = Rig([])
    rig.running = False
    assert not device(rig, monkeypatch).has_left()


def test_a_device_that_left_more_often_than_its_power_was_switched_off_did_so_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = Rig([STICK])
    stick = device(rig, monkeypatch)
    stick.info()
    assert stick.departures() == 0
    for busid in ("1-2", "1-20", "11-2", "1-2"):
        rig.output += f"2026 INFO wslusb.host.service: device {busid} (0001:0002) has left\n"
    assert stick.departures() == 2
    rig.offs = 2
    assert stick.departures() == 0


def test_a_device_that_comes_back_as_its_loader_leaves_for_that(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig([STICK])
    entry = DeviceEntry(name="stick", match=Match(serial="A"), traits=frozenset({"dfu"}))
    stick = live.LiveDevice(cast("Any", rig), entry, "libusb")
    stick.info()
    rig.output = "device 1-2 (0001:0002) has left\n"
    assert stick.departures() == 0
