"""What a guest must not say on its control connection."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from tests.support.hostile import event, header_only
from tests.support.peers import RawGuest
from tests.support.usb import bulk_in
from tests.support.world import Guest, World
from wslusb.errors import PeerReason as Why
from wslusb.wire.frame import MessageType as M
from wslusb.wire.messages import AttachRequest, ErrorMessage

ON_CONTROL: dict[str, tuple[Callable[[RawGuest], object], Why]] = {
    "unknown type": (lambda g: g.say(0x77), Why.UNKNOWN_TYPE),
    "number again": (lambda g: g.say(M.ENUMERATION, sequence=1), Why.DUPLICATE),
    "number left out": (lambda g: g.say(M.ENUMERATION, sequence=3), Why.OUT_OF_ORDER),
    "number 0": (lambda g: g.say(M.ENUMERATION, sequence=0), Why.OUT_OF_ORDER),
    "payload": (lambda g: g.say(M.ENUMERATION, b"x"), Why.MALFORMED),
    "handle": (lambda g: g.say(M.ENUMERATION, handle=1), Why.BAD_HANDLE),
    "attach": (lambda g: g.say(M.ATTACH, AttachRequest("9-1").pack()), Why.BAD_STATE),
    "urb": (lambda g: g.urb(bulk_in()), Why.BAD_STATE),
    "response": (lambda g: g.say(M.URB_RESPONSE, bytes(20)), Why.BAD_STATE),
    "pong that nobody asked for": (lambda g: g.say(M.PONG), Why.UNKNOWN_SEQUENCE),
    "pong without number": (lambda g: g.say(M.PONG, sequence=0), Why.UNKNOWN_SEQUENCE),
    "event with a number": (lambda g: g.say(M.EVENT, event(6)), Why.OUT_OF_ORDER),
    "event of the host": (lambda g: g.say(M.EVENT, event(1), 0), Why.MALFORMED),
    "event of no kind": (lambda g: g.say(M.EVENT, event(99), 0), Why.MALFORMED),
    "half an event": (lambda g: g.say(M.EVENT, event(6)[:3], 0), Why.TRUNCATED),
    "event and a half": (lambda g: g.say(M.EVENT, event(6) * 2, 0), Why.MALFORMED),
    "too many nodes": (
        lambda g: g.say(M.EVENT, event(6)[:-2] + struct.pack("<H", 65535), 0),
        Why.LIMIT,
    ),
    "announces 2 MiB": (lambda g: g.raw(header_only(M.EVENT, 2 << 20)), Why.OVERSIZED),
}  # fmt: skip


@pytest.mark.parametrize("case", ON_CONTROL)
def test_on_a_control_connection(world: World, bystander: Guest, case: str) -> None:
    act, why = ON_CONTROL[case]
    with RawGuest.control(world.address.path) as guest:
        act(guest)
        assert guest.verdict() is why


def test_an_error_frame_of_the_guest_is_not_answered(world: World, bystander: Guest) -> None:
    with RawGuest.control(world.address.path) as guest:
        guest.say(M.ERROR, ErrorMessage(1, "I do not like you").pack(), 0)
        assert guest.verdict() is None


def test_not_even_if_it_is_malformed(world: World, bystander: Guest) -> None:
    with RawGuest.control(world.address.path) as guest:
        guest.say(M.ERROR, b"\1", 0)
        assert guest.verdict() is None


def test_a_known_reason_is_not_needed_in_an_error_frame(world: World, bystander: Guest) -> None:
    with RawGuest.control(world.address.path) as guest:
        guest.say(M.ERROR, ErrorMessage(0xFFFFFFFF, "").pack(), 0)
        assert guest.verdict() is None
