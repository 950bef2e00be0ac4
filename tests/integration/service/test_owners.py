"""Which device is whose: what is shared, who has it, and who takes it back."""

from __future__ import annotations

import time

import pytest

from tests.support.peers import Ending
from tests.support.usb import LOOPBACK, bulk_in, read_zeroes, start
from tests.support.waiting import until
from tests.support.world import World
from wslusb.device import sync
from wslusb.errors import DeviceError, LocalError, LocalReason
from wslusb.guest.client import HostClient
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Status
from wslusb.wire.listing import DeviceState


def test_a_device_that_is_not_shared_is_neither_listed_nor_given(world: World, client: HostClient) -> None:
    world.service.unbind("9-2")
    assert [listed.info.busid for listed in client.devices()] == ["9-1"]
    with pytest.raises(DeviceError, match="wslusb bind 9-2") as caught:
        client.open(world.info("9-2"))
    assert caught.value.status == Status.ACCESS_DENIED


def test_one_owner_a_device(world: World, client: HostClient) -> None:
    device = client.open(world.info())
    with pytest.raises(DeviceError, match="attached to uid") as caught:
        client.open(world.info())
    assert caught.value.status == Status.BUSY
    read_zeroes(device)
    assert [(listed.state, bool(listed.owner)) for listed in client.devices()] == [
        (DeviceState.ATTACHED, True),
        (DeviceState.SHARED, False),
    ]
    device.close()
    world.works()


def test_close_waits_until_the_host_has_the_device_back(world: World, client: HostClient) -> None:
    for _ in range(20):
        client.open(world.info()).close()


def test_a_device_that_does_not_exist(world: World, client: HostClient) -> None:
    info = world.info()
    world.provider.unplug("9-1")
    with pytest.raises(DeviceError) as caught:
        client.open(info)
    assert caught.value.status == Status.GONE


def test_an_attached_device_has_all_descriptors(world: World, client: HostClient) -> None:
    device = client.open(client.devices()[0].info)
    assert device.info == world.info()
    device.close()


def test_unbind_takes_the_device_back_at_once(world: World, client: HostClient) -> None:
    """From a program, which cannot be asked to let go."""
    ending = Ending()
    device = client.open(world.info(), ending)
    sync.control(device, Setup(0, 9, LOOPBACK, 0, 0))
    waiting = [start(device, bulk_in()) for _ in range(3)]
    began = time.monotonic()
    assert world.service.unbind("9-1")[1]
    assert time.monotonic() - began < 2
    assert {waiter.status for waiter in waiting} <= {Status.CANCELLED, Status.GONE}
    reason = ending.reason()
    assert isinstance(reason, LocalError)
    assert reason.reason is LocalReason.DISCONNECTED
    assert world.state() is DeviceState.NOT_SHARED
    device.close()


def test_detach_on_the_host(world: World, client: HostClient) -> None:
    device = client.open(world.info())
    assert world.service.detach("9-1").busid == "9-1"
    assert world.state() is DeviceState.SHARED
    device.close()
    with pytest.raises(LocalError) as caught:
        world.service.detach("9-1")
    assert caught.value.reason is LocalReason.NOT_FOUND


def test_closing_the_service_ends_every_attachment(world: World, no_leaks: None) -> None:
    ending = Ending()
    client = world.client(closed=ending)
    device = client.open(world.info())
    read_zeroes(device)
    world.service.close()
    assert isinstance(ending.reason(), LocalError)
    until(lambda: device.ended, "the device has ended")
    assert start(device, bulk_in()).status == Status.GONE
    with pytest.raises(LocalError):
        client.devices()
    device.close()
    client.close()
    with pytest.raises(LocalError) as caught:
        world.client()
    assert caught.value.reason is LocalReason.DISCONNECTED
