"""Guests that come too often, at random, or when their session is over."""

from __future__ import annotations

import random

import pytest

from tests.support.hostile import choose_echo, hello
from tests.support.peers import RawGuest
from tests.support.usb import bulk_in, read_zeroes
from tests.support.waiting import until
from tests.support.world import Guest, World
from wslusb.errors import PeerReason as Why
from wslusb.wire import limits
from wslusb.wire.frame import MessageType as M
from wslusb.wire.frame import pack_header
from wslusb.wire.messages import Purpose


def test_a_thousand_random_guests(world: World, bystander: Guest) -> None:
    """Valid beginnings with random endings: whatever they are, the service answers the next one."""
    numbers = random.Random(1)
    good = [pack_header(M.HELLO, len(hello()), 1) + hello(), pack_header(M.ENUMERATION, 0, 2)]
    for _ in range(300):
        with RawGuest(world.address.path) as guest:
            whole = bytearray(b"".join(good[: numbers.randrange(3)]) + numbers.randbytes(numbers.randrange(80)))
            if whole and numbers.random() < 0.5:
                whole[numbers.randrange(len(whole))] ^= 1 << numbers.randrange(8)
            guest.raw(bytes(whole))
            guest.stop_writing()
            guest.verdict()


def test_too_many_connections_of_one_peer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CONNECTIONS_PER_PEER", 3)
    guests = [RawGuest.control(world.address.path) for _ in range(3)]
    with RawGuest(world.address.path) as one_more:
        assert one_more.hear() is None
    guests.pop().close()
    until(lambda: _is_served(world), "a place is free again")
    for guest in guests:
        guest.close()


def _is_served(world: World) -> bool:
    with RawGuest(world.address.path) as guest:
        try:
            guest.say(M.HELLO, hello())
            return guest.hear() is not None
        except OSError:
            return False


def test_token_of_a_session_that_has_ended(world: World) -> None:
    with RawGuest.control(world.address.path) as control:
        token = control.token
    until(lambda: not world.service.guests.all(), "the session has ended")
    with RawGuest(world.address.path) as guest:
        guest.say(M.HELLO, hello(purpose=Purpose.DATA, token=token))
        assert guest.verdict() is Why.BAD_TOKEN


def test_the_end_of_a_session_ends_its_data_connections(world: World) -> None:
    with RawGuest.control(world.address.path) as control, RawGuest.data(world.address.path, control.token) as data:
        data.attach()
        choose_echo(data)
        data.urb(bulk_in())
        control.close()
        assert data.verdict() is None
    world.free()
    world.works()


def test_honest_guests_next_to_it(world: World) -> None:
    guest = Guest(world)
    read_zeroes(guest.device)
    guest.close()
