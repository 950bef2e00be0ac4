"""Devices that come and go, and who is told."""

from __future__ import annotations

import queue

import pytest

from tests.support.peers import Ending
from tests.support.usb import LOOPBACK, bulk_in, read_zeroes, start
from tests.support.waiting import PATIENCE
from tests.support.world import World
from wslusb.errors import DeviceError
from wslusb.guest.client import HostClient
from wslusb.usb.urb import Status
from wslusb.wire.events import Event, EventKind


class Told:
    """Events in the order in which they come."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Event] = queue.SimpleQueue()

    def __call__(self, event: Event) -> None:
        self._queue.put(event)

    def next(self) -> tuple[EventKind, str, int]:
        event = self._queue.get(timeout=PATIENCE)
        return event.kind, event.busid, event.generation


def test_guests_are_told_of_shared_devices_that_come_and_go(world: World) -> None:
    told = Told()
    client = world.client(event=told)
    world.service.unbind("9-2")
    world.provider.replug("9-2")
    world.provider.unplug("9-1")
    world.provider.plug("9-1")
    assert told.next() == (EventKind.LEFT, "9-1", 1)
    assert told.next() == (EventKind.ARRIVED, "9-1", 2)
    world.service.bind("9-2")
    assert told.next() == (EventKind.CHANGED, "9-2", 2)
    client.close()


def test_unplug_with_urbs_in_flight_and_replug(world: World, client: HostClient) -> None:
    ending = Ending()
    device = client.open(world.info(), ending)
    device.select_configuration(LOOPBACK)
    waiting = [start(device, bulk_in()) for _ in range(8)]
    world.provider.unplug("9-1")
    assert {waiter.status for waiter in waiting} == {Status.GONE}
    assert ending.reason() is not None
    assert start(device, bulk_in()).status == Status.GONE
    assert [listed.info.busid for listed in client.devices()] == ["9-2"]
    device.close()
    world.provider.plug("9-1")
    world.free()
    again = client.open(client.devices()[0].info)
    assert again.info.generation == 2
    read_zeroes(again)
    again.close()


def test_unplug_of_an_idle_device(world: World, client: HostClient) -> None:
    ending = Ending()
    device = client.open(world.info(), ending)
    world.provider.unplug("9-1")
    assert ending.reason() is not None
    with pytest.raises(DeviceError) as caught:
        device.reset()
    assert caught.value.status == Status.GONE
    device.close()


def test_a_stale_listing_does_not_reach_the_next_device(world: World, client: HostClient) -> None:
    stale = client.devices()[0].info
    world.provider.replug("9-1")
    with pytest.raises(DeviceError) as caught:
        client.open(stale)
    assert caught.value.status == Status.GONE


def test_a_damaged_bindings_file_does_not_keep_devices_from_being_taken_back(world: World, client: HostClient) -> None:
    ending = Ending()
    device = client.open(world.info(), ending)
    world.catalog.bindings.path.write_text("{")
    world.provider.unplug("9-1")
    assert ending.reason() is not None
    device.close()
