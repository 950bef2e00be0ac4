"""wslusb.device.faults.provider: faulty devices from any provider, and those that a fault has pulled out."""

from __future__ import annotations

import pytest

from emulator.catalogue import parse_models
from emulator.device import VirtualDevice
from emulator.provider import EmulatorProvider
from tests.support.usb import bulk_out, start
from wslusb.device.clock import VirtualClock
from wslusb.device.faults import Disconnect, Fault, Faulty, FaultyProvider, Plan, Reenumerate, Stall, What, When, Where
from wslusb.errors import DeviceError
from wslusb.usb.urb import Status


class World:
    """A loopback and a stick; a fault befalls the second OUT URB of the loopback, once."""

    def __init__(self, what: What) -> None:
        self.clock = VirtualClock()
        inner = EmulatorProvider(parse_models("loopback,storage"), self.clock)
        where = Where(device="0525:a4a0", endpoint=0x01)
        self.provider = FaultyProvider(inner, Plan([Fault(what, where, When(nth=(2,)))]), 1, clock=self.clock)
        self.changes = 0
        self.provider.watch(self._changed)

    def _changed(self) -> None:
        self.changes += 1

    def listed(self) -> list[tuple[str, str, int]]:
        return [(info.busid, info.hardware_id, info.generation) for info in self.provider.devices()]

    def strike(self) -> list[int]:
        """Open the loopback and write twice."""
        device = self.provider.open(self.provider.devices()[0])
        statuses = [start(device, bulk_out(bytes(8))).status for _ in range(2)]
        self.clock.advance(0)
        device.close()
        return statuses


STICK = ("9-2", "0525:a4a5", 1)


def test_a_device_that_no_fault_is_for_is_given_as_it_is() -> None:
    provider = World(Stall()).provider
    kinds = [type(provider.open(info)) for info in provider.devices()]
    assert kinds == [Faulty, VirtualDevice]


def test_a_schedule_goes_on_when_the_device_is_opened_again() -> None:
    world = World(Stall())
    assert world.strike() == [Status.OK, Status.STALL]
    assert world.strike() == [Status.OK, Status.OK]


def test_a_device_that_was_pulled_out_is_back_with_a_new_generation() -> None:
    world = World(Disconnect(seconds=3))
    stale = world.provider.devices()[0]
    assert world.strike() == [Status.OK, Status.GONE]
    assert world.listed() == [STICK]
    assert world.changes == 1
    with pytest.raises(DeviceError) as caught:
        world.provider.open(stale)
    assert caught.value.status == Status.GONE
    world.clock.advance(3)
    assert world.changes == 2
    assert world.listed() == [("9-1", "0525:a4a0", 2), STICK]
    with pytest.raises(DeviceError):
        world.provider.open(stale)
    device = world.provider.open(world.provider.devices()[0])
    assert device.info.generation == 2
    device.close()
    assert world.strike() == [Status.OK, Status.OK]


def test_a_device_that_was_pulled_out_for_good_stays_away() -> None:
    world = World(Disconnect())
    world.strike()
    world.clock.advance(1e6)
    assert world.listed() == [STICK]


def test_a_device_comes_back_as_another() -> None:
    world = World(Reenumerate(become="storage:serial=OTHER"))
    assert world.strike() == [Status.OK, Status.GONE]
    assert world.listed() == [("9-1", "0525:a4a5", 2), STICK]
    other = world.provider.devices()[0]
    assert other.serial == "OTHER"
    assert type(world.provider.open(other)) is VirtualDevice  # none of the plan's faults is for it


def test_what_a_provider_does_not_know_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    world = World(Reenumerate(become="no-such-thing"))
    world.strike()
    assert "9-1 could not become no-such-thing" in caplog.text


def test_no_watcher_is_called_after_the_close() -> None:
    world = World(Disconnect(seconds=3))
    world.provider.close()
    world.strike()
    assert world.changes == 0
