"""Guests that end in any way, and threads that cannot be had: the service goes on."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time

import pytest

from tests.support.peers import RawGuest
from tests.support.usb import LOOPBACK, bulk_in, read_zeroes, start
from tests.support.world import Guest, World
from wslusb.guest.client import HostClient
from wslusb.transport.address import UnixAddress
from wslusb.usb.urb import Status


def test_the_end_of_the_control_session_ends_the_devices(world: World) -> None:
    guest = Guest(world)
    guest.device.select_configuration(LOOPBACK)
    waiting = start(guest.device, bulk_in())
    guest.client.close()
    assert waiting.status in (Status.GONE, Status.CANCELLED)
    world.free()
    guest.device.close()
    world.works()


def _guest_that_is_busy(path: str, ready: object) -> None:
    """In a process of its own: reads for ever, with a thousand URBs under way."""
    client = HostClient(UnixAddress(path))
    device = client.open(client.devices()[0].info)

    def again(_completion: object) -> None:
        device.submit(bulk_in(4096), again)

    for _ in range(64):
        device.submit(bulk_in(4096), again)
    ready.set()  # type: ignore[attr-defined]
    time.sleep(60)


def test_a_guest_that_is_killed_gives_its_device_back(world: World) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=_guest_that_is_busy, args=(world.address.path, ready))
    process.start()
    assert process.pid is not None
    try:
        assert ready.wait(30)
        world.taken()
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    world.free()
    world.works()


def test_two_hundred_guests_leave_nothing_behind(world: World, no_leaks: None) -> None:
    for number in range(200):
        guest = Guest(world)
        if number % 3 == 0:
            read_zeroes(guest.device)
        if number % 2:
            guest.close()
        else:
            guest.client.close()
            guest.device.close()
        world.free()


def test_when_no_thread_can_be_had_the_service_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = threading.Thread.start

    def fail(thread: threading.Thread) -> None:
        if thread.name.startswith("wslusb-uid"):
            raise RuntimeError("can't start new thread")
        begin(thread)

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", fail)
        with RawGuest(world.address.path) as guest:
            assert guest.hear() is None
    world.works()
