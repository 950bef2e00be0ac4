"""What an attacker with sockets found, each once: it must not work again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.peers import RawGuest, remote_device
from tests.support.usb import Waiter, bulk_out, read_zeroes
from tests.support.world import World
from wslusb.control.messages import seconds_of
from wslusb.errors import PeerError, PeerReason
from wslusb.usb.info import DeviceInfo
from wslusb.usb.urb import Status
from wslusb.wire import limits
from wslusb.wire.events import Event, EventKind
from wslusb.wire.frame import MessageType
from wslusb.wire.messages import Hello, Purpose

INFO = DeviceInfo(busid="9-1", vendor=1, product=2)
BULK = bytes(4 << 20)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path) as made:
        made.service.bind("9-1")
        yield made


def test_a_host_that_reads_a_little_now_and_then_cannot_hold_a_guest(monkeypatch: pytest.MonkeyPatch) -> None:
    """It pings and takes some bytes just often enough for the kernel's time-out to begin anew."""
    monkeypatch.setattr(limits, "SEND_SECONDS", 0.5)
    device, host, ending = remote_device(INFO)
    over = threading.Event()

    def trickle() -> None:
        while not over.wait(0.1):
            try:
                host.say(MessageType.PING, b"", None, 0)
                host.sock.recv(100)
            except OSError:
                return

    threading.Thread(target=trickle, daemon=True).start()
    waiter = Waiter()
    urb = bulk_out(BULK)
    sender = threading.Thread(target=device.submit, args=(urb, waiter))
    sender.start()
    sender.join(10)
    assert not sender.is_alive()
    assert waiter.wait().status == Status.GONE
    device.cancel(urb)
    device.close()
    reason = ending.reason()
    assert isinstance(reason, PeerError)
    assert reason.reason is PeerReason.TIMEOUT
    over.set()
    host.close()


def test_a_hello_comes_before_every_event(world: World) -> None:
    over = threading.Event()

    def churn() -> None:
        while not over.is_set():
            world.service.unbind("9-1")
            world.service.bind("9-1")

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _ in range(100):
            RawGuest.control(world.address.path).close()  # it expects the hello first
    finally:
        over.set()
        thread.join()


def test_a_flood_of_reports_ends_the_session(world: World) -> None:
    with RawGuest.control(world.address.path) as guest:
        payload = Event(EventKind.DETACHED, "9-1").pack()
        for _ in range(limits.REPORTS_PER_SECOND + 1):
            guest.say(MessageType.EVENT, payload, 0)
        assert guest.verdict() is PeerReason.LIMIT
    world.works()


def test_sessions_of_one_peer_are_bounded(world: World) -> None:
    guests = [RawGuest.control(world.address.path) for _ in range(limits.SESSIONS_PER_PEER)]
    with RawGuest(world.address.path) as one_more:
        one_more.say(MessageType.HELLO, Hello(Purpose.CONTROL).pack())
        assert one_more.verdict() is PeerReason.LIMIT
    for guest in guests:
        guest.close()


@pytest.mark.parametrize("kind", [MessageType.PING, MessageType.DETACH, MessageType.RESET])
def test_what_carries_nothing_carries_nothing(world: World, kind: MessageType) -> None:
    with RawGuest.control(world.address.path) as control, RawGuest.data(world.address.path, control.token) as guest:
        answer = guest.attach()
        guest.say(kind, b"x" * 1000, None, 0 if kind == MessageType.PING else answer.handle)
        assert guest.verdict() is PeerReason.MALFORMED
    world.works()


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), 1e300, 10**400, -1, 0, "5", None, True])
def test_senseless_time_limits(seconds: object) -> None:
    assert seconds_of({"seconds": seconds}, 7.0) in (7.0, 1.0)


def test_a_damaged_bindings_file_does_not_take_attached_devices_away(world: World) -> None:
    client = world.client()
    device = client.open(world.info())
    world.catalog.bindings.path.write_text("{")
    assert [listed.info.busid for listed in client.devices()] == ["9-1"]
    read_zeroes(device)
    device.close()
    client.close()
