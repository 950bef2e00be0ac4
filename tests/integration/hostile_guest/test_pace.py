"""Guests that are silent, do not read, or say too much."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

import pytest

from tests.support.hostile import answers
from tests.support.peers import RawGuest
from tests.support.usb import bulk_in
from tests.support.waiting import PATIENCE, until
from tests.support.world import Guest, World
from wslusb.errors import PeerReason as Why
from wslusb.wire import limits
from wslusb.wire.events import Event, EventKind
from wslusb.wire.frame import MessageType as M
from wslusb.wire.frame import pack_header


def test_a_guest_that_is_silent_for_ever(world: World, bystander: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    with RawGuest.control(world.address.path) as control:
        monkeypatch.setattr(limits, "PING_SECONDS", 0.05)
        with RawGuest.data(world.address.path, control.token) as data:
            data.attach()
            assert [data.hear().type for _ in range(limits.DEAD_AFTER_PINGS)] == [M.PING] * 3  # type: ignore[union-attr]
            assert data.verdict() is Why.TIMEOUT
    with RawGuest.control(world.address.path) as control:
        assert control.verdict() is Why.TIMEOUT


def test_pings_are_answered_and_keep_a_connection(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PING_SECONDS", 0.02)
    with RawGuest.control(world.address.path) as guest:
        for _ in range(10):
            heard = guest.hear()
            assert heard is not None
            assert heard.type == M.PING
            guest.say(M.PONG, b"", heard.sequence, 0)
        number = guest.say(M.PING)
        while (heard := guest.hear()) is not None and heard.type == M.PING:
            guest.say(M.PONG, b"", heard.sequence)
        assert heard is not None
        assert (heard.type, heard.sequence) == (M.PONG, number)


def test_a_guest_that_does_not_read_blocks_nobody(
    world: World, bystander: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SEND_SECONDS", 0.5)
    with RawGuest.control(world.address.path) as control, RawGuest.data(world.address.path, control.token) as data:
        data.attach()
        for _ in range(12):  # as much as the credits allow, and far more than a socket buffers
            data.urb(bulk_in(1 << 20))
        began = time.monotonic()
        assert len(world.client_list()) == 2
        answers(bystander)
        assert time.monotonic() - began < 0.4
        world.free()


def flood(guest: RawGuest) -> None:
    """Ask and ask again, until that fails."""
    with contextlib.suppress(OSError):  # reset or broken pipe, whichever comes first
        while True:
            guest.raw(b"".join(pack_header(M.ENUMERATION, 0, guest.sequence + i) for i in range(1, 101)))
            guest.sequence += 100


def test_a_guest_that_floods_requests_and_reads_no_answer(
    world: World, bystander: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SEND_SECONDS", 0.5)
    with RawGuest.control(world.address.path) as guest:
        guest.sock.settimeout(5)
        flood(guest)
        guest.verdict()


def test_events_reach_the_others_although_one_guest_does_not_read(world: World) -> None:
    """Its own thread waits for it in a send, with the lock of its link held."""
    events: list[Event] = []
    with RawGuest.control(world.address.path) as guest:
        other = world.client(event=events.append)  # told after the one that does not read
        flooding = threading.Thread(target=flood, args=(guest,))
        flooding.start()
        link = world.service.guests.all()[0].link
        until(lambda: not link.lock.wait_free(0.1), "the service waits for the guest to read")
        world.provider.unplug("9-1")
        until(lambda: [e.kind for e in events] == [EventKind.LEFT], "the other guest is told", 5)
        other.close()
        guest.sock.shutdown(socket.SHUT_RDWR)
        flooding.join(PATIENCE)
