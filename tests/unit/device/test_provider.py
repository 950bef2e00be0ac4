"""LibusbProvider's book-keeping: generations, and which device may be opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from wslusb.device.provider import LibusbProvider
from wslusb.errors import DeviceError, LocalError
from wslusb.system.api import HostDevice
from wslusb.usb.info import DeviceInfo
from wslusb.usb.urb import Status

STICK = DeviceInfo(busid="1-2", vendor=0x46F4, product=0xAA, serial="SN77", device_descriptor=b"d" * 18)


class FakeWatch:
    def __init__(self, changed: Callable[[], None]) -> None:
        self.changed, self.closed = changed, False

    def close(self) -> None:
        self.closed = True


class FakeSystem:
    def __init__(self) -> None:
        self.plugged = [HostDevice(info=STICK, bus=1, address=2)]
        self.watches: list[FakeWatch] = []

    def devices(self) -> list[HostDevice]:
        return self.plugged

    def device(self, busid: str) -> HostDevice | None:
        return next((host for host in self.plugged if host.info.busid == busid), None)

    def watch(self, changed: Callable[[], None]) -> FakeWatch:
        self.watches.append(FakeWatch(changed))
        return self.watches[-1]

    def give_back(self, bus: int, address: int, *, reset: bool) -> bool:
        raise AssertionError(f"that is the guardian's to do: {bus} {address} {reset}")

    def state_dir(self) -> Path:
        return Path()

    def runtime_dir(self) -> Path:
        return Path()


@pytest.fixture
def system() -> FakeSystem:
    return FakeSystem()


@pytest.fixture
def provider(system: FakeSystem) -> LibusbProvider:
    return LibusbProvider(system=system)


def test_generation_grows_with_each_plug(provider: LibusbProvider, system: FakeSystem) -> None:
    assert [info.generation for info in provider.devices()] == [1]
    assert [info.generation for info in provider.devices()] == [1]
    system.plugged = [replace(system.plugged[0], address=3)]
    assert [info.generation for info in provider.devices()] == [2]
    system.plugged, again = [], system.plugged
    assert not provider.devices()
    system.plugged = [replace(again[0], info=replace(STICK, serial="SN78"))]
    assert [info.generation for info in provider.devices()] == [3]


def test_a_device_whose_port_is_being_reset_is_the_same_one(provider: LibusbProvider, system: FakeSystem) -> None:
    (info,) = provider.devices()
    system.plugged = [replace(system.plugged[0], address=0)]
    assert provider.devices() == [info]
    system.plugged = [replace(system.plugged[0], address=2)]
    assert provider.devices() == [info]
    system.plugged = [replace(system.plugged[0], address=3)]
    assert [again.generation for again in provider.devices()] == [2]


def test_a_device_that_is_first_seen_while_its_port_is_being_reset(
    provider: LibusbProvider, system: FakeSystem
) -> None:
    system.plugged = [replace(system.plugged[0], address=0)]
    (info,) = provider.devices()
    with pytest.raises(DeviceError, match="being reset") as caught:
        provider.open(info)
    assert caught.value.status == Status.BUSY
    system.plugged = [replace(system.plugged[0], address=2)]
    assert provider.devices() == [info]
    system.plugged = [replace(system.plugged[0], address=3)]
    assert [again.generation for again in provider.devices()] == [2]


@pytest.mark.parametrize(
    "change", [{"generation": 7}, {"serial": "x"}, {"device_descriptor": b"e" * 18}, {"busid": "1-3"}]
)
def test_open_refuses_what_is_not_there_now(provider: LibusbProvider, change: dict[str, object]) -> None:
    with pytest.raises(DeviceError) as caught:
        provider.open(replace(STICK, **change))  # type: ignore[arg-type]
    assert caught.value.status == Status.GONE


def test_open_refuses_a_device_that_was_replugged(provider: LibusbProvider, system: FakeSystem) -> None:
    info = provider.devices()[0]
    system.plugged = [replace(system.plugged[0], address=3)]
    with pytest.raises(DeviceError, match="another device"):
        provider.open(info)


def test_close_ends_the_watches(provider: LibusbProvider, system: FakeSystem) -> None:
    provider.watch(lambda: None)
    provider.watch(lambda: None)
    provider.close()
    provider.close()
    assert [watch.closed for watch in system.watches] == [True, True]


def test_argument_is_refused() -> None:
    with pytest.raises(LocalError, match="no argument"):
        LibusbProvider("something")
