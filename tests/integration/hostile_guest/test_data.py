"""What a guest must not say on the connection of a device, and what looks like that and may be said."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from tests.support.hostile import choose_echo, event, header_only, hello
from tests.support.peers import RawGuest
from tests.support.usb import bulk_in, bulk_out, control_urb, iso_urb
from tests.support.world import World
from wslusb.errors import PeerReason as Why
from wslusb.usb.setup import Setup
from wslusb.usb.urb import UrbFlag
from wslusb.wire.cancels import Cancel
from wslusb.wire.frame import MessageType as M
from wslusb.wire.frame import pack_header
from wslusb.wire.messages import AttachRequest

U32 = struct.Struct("<I")


def request(**changes: int | bytes) -> bytes:
    """The payload of a bulk IN request with some fields changed."""
    fields: dict[str, int | bytes] = {
        "function": 9, "endpoint": 0x81, "transfer": 2, "flags": 3, "length": 512, "interval": 0, "stream": 0,
        "start": 0, "count": 0, "setup": bytes(8), "rest": b"",
    }  # fmt: skip
    fields |= changes
    rest = fields.pop("rest")
    assert isinstance(rest, bytes)
    return struct.pack("<HBBIIIIII8s", *fields.values()) + rest


SETUP_OUT = bytes((0x40, 0x5B, 0, 0, 0, 0, 4, 0))
ON_DATA: dict[str, tuple[Callable[[RawGuest], object], Why]] = {
    "wrong handle": (lambda g: g.urb(bulk_in(), handle=g.handle + 1), Why.BAD_HANDLE),
    "no handle": (lambda g: g.urb(bulk_in(), handle=0), Why.BAD_HANDLE),
    "cancel with a wrong handle": (lambda g: g.say(M.CANCEL, Cancel(1).pack(), handle=0), Why.BAD_HANDLE),
    "ping with a handle": (lambda g: g.say(M.PING), Why.BAD_HANDLE),
    "duplicate urb": (lambda g: (g.urb(bulk_in()), g.urb(bulk_in(), g.sequence)), Why.DUPLICATE),
    "urb of yesterday": (lambda g: g.urb(bulk_in(), 1), Why.DUPLICATE),
    "urb of tomorrow": (lambda g: g.urb(bulk_in(), 1000), Why.OUT_OF_ORDER),
    "urb numbered 0": (lambda g: g.urb(bulk_in(), 0), Why.OUT_OF_ORDER),
    "attach again": (lambda g: g.say(M.ATTACH, AttachRequest("9-2").pack(), handle=0), Why.BAD_STATE),
    "hello again": (lambda g: g.say(M.HELLO, hello(), handle=0), Why.BAD_STATE),
    "enumeration": (lambda g: g.say(M.ENUMERATION, handle=0), Why.BAD_STATE),
    "event": (lambda g: g.say(M.EVENT, event(6), 0, 0), Why.BAD_STATE),
    "empty request": (lambda g: g.say(M.URB_REQUEST), Why.TRUNCATED),
    "short request": (lambda g: g.say(M.URB_REQUEST, request()[:35]), Why.TRUNCATED),
    "no such function": (lambda g: g.say(M.URB_REQUEST, request(function=0x99)), Why.MALFORMED),
    "function of another transfer": (lambda g: g.say(M.URB_REQUEST, request(function=10)), Why.MALFORMED),
    "no such transfer": (lambda g: g.say(M.URB_REQUEST, request(transfer=4)), Why.MALFORMED),
    "unknown flags": (lambda g: g.say(M.URB_REQUEST, request(flags=0x80000001)), Why.MALFORMED),
    "wrong direction": (lambda g: g.say(M.URB_REQUEST, request(flags=0)), Why.MALFORMED),
    "endpoint 0x91": (lambda g: g.say(M.URB_REQUEST, request(endpoint=0x91)), Why.MALFORMED),
    "bulk to endpoint 0": (lambda g: g.say(M.URB_REQUEST, request(endpoint=0x80)), Why.MALFORMED),
    "bulk with a setup": (lambda g: g.say(M.URB_REQUEST, request(setup=b"\1" * 8)), Why.MALFORMED),
    "in with data": (lambda g: g.say(M.URB_REQUEST, request(rest=b"x")), Why.MALFORMED),
    "out without data": (lambda g: g.say(M.URB_REQUEST, request(endpoint=1, flags=0)), Why.MALFORMED),
    "packets in a bulk": (lambda g: g.say(M.URB_REQUEST, request(count=1, rest=U32.pack(512))), Why.MALFORMED),
    "transfer too large": (lambda g: g.say(M.URB_REQUEST, request(length=(1 << 20) + 1)), Why.OVERSIZED),
    "length of 4 GiB": (lambda g: g.say(M.URB_REQUEST, request(length=0xFFFFFFFF)), Why.OVERSIZED),
    "announces 4 GiB": (lambda g: g.raw(header_only(M.URB_REQUEST, 0xFFFFFFFF)), Why.OVERSIZED),
    "iso without packets": (
        lambda g: g.say(M.URB_REQUEST, request(function=10, endpoint=0x83, transfer=1, length=0)),
        Why.LIMIT,
    ),
    "too many iso packets": (lambda g: g.urb(iso_urb([1] * 9)), Why.LIMIT),
    "4 G iso packets": (
        lambda g: g.say(M.URB_REQUEST, request(function=10, endpoint=0x83, transfer=1, count=0xFFFFFFFF)),
        Why.LIMIT,
    ),
    "iso table cut": (
        lambda g: g.say(M.URB_REQUEST, request(function=10, endpoint=0x83, transfer=1, count=4, rest=U32.pack(512))),
        Why.TRUNCATED,
    ),
    "iso packet too long": (
        lambda g: g.say(
            M.URB_REQUEST, request(function=10, endpoint=0x83, transfer=1, count=1, length=65536, rest=U32.pack(65536))
        ),
        Why.MALFORMED,
    ),
    "iso packets overflow": (
        lambda g: g.say(
            M.URB_REQUEST,
            request(function=10, endpoint=0x83, transfer=1, count=2, length=4, rest=U32.pack(0xFFFFFFFF) + U32.pack(5)),
        ),
        Why.MALFORMED,
    ),
    "wLength is another": (
        lambda g: g.say(M.URB_REQUEST, request(function=8, endpoint=0, transfer=0, flags=0, length=5, setup=SETUP_OUT)),
        Why.MALFORMED,
    ),
    "select configuration that is none": (
        lambda g: g.say(
            M.URB_REQUEST,
            request(function=0, endpoint=0, transfer=0, flags=0, length=4, setup=SETUP_OUT, rest=bytes(4)),
        ),
        Why.MALFORMED,
    ),
    "abort with more": (lambda g: g.say(M.URB_REQUEST, request(function=2)), Why.MALFORMED),
    "abort cut": (lambda g: g.say(M.URB_REQUEST, b"\2\0"), Why.MALFORMED),
    "short cancel": (lambda g: g.say(M.CANCEL, b"\1"), Why.MALFORMED),
    "long cancel": (lambda g: g.say(M.CANCEL, bytes(8)), Why.MALFORMED),
    "reset with a payload": (lambda g: g.say(M.RESET, b"x"), Why.MALFORMED),
    "more bytes than the credits": (
        lambda g: [g.urb(bulk_in(length)) for length in (1 << 19, 1 << 19, 512)],
        Why.CREDIT,
    ),
    "response from the guest": (lambda g: g.say(M.URB_RESPONSE, bytes(20)), Why.BAD_STATE),
}  # fmt: skip


@pytest.mark.parametrize("case", ON_DATA)
def test_on_a_data_connection(attached: RawGuest, case: str) -> None:
    act, why = ON_DATA[case]
    if why is Why.CREDIT:
        choose_echo(attached)
    act(attached)
    assert attached.verdict() is why


def test_one_urb_beyond_the_credits(attached: RawGuest) -> None:
    choose_echo(attached)
    for _ in range(5):
        attached.urb(bulk_in())
    assert attached.verdict() is Why.CREDIT


def test_a_urb_cancelled_twice(attached: RawGuest) -> None:
    """The second cancel is too late to be a duplicate: the device gave the URB back at once. It has lost."""
    choose_echo(attached)
    target = attached.urb(bulk_in())
    attached.say(M.CANCEL, Cancel(target).pack())
    attached.say(M.CANCEL, Cancel(target).pack())
    assert attached.expect(M.URB_RESPONSE).sequence == target
    assert attached.expect(M.CANCEL).payload == struct.pack("<II", target, 1)
    assert attached.expect(M.CANCEL).payload == struct.pack("<II", target, 0)


def test_cancel_of_what_never_was(attached: RawGuest) -> None:
    attached.say(M.CANCEL, Cancel(4711).pack())
    assert attached.expect(M.CANCEL).payload == struct.pack("<II", 4711, 0)


def test_abort_of_nothing_and_of_all(attached: RawGuest) -> None:
    choose_echo(attached)
    abort = request(function=2, endpoint=0x81, transfer=0, flags=0, length=0)
    first = attached.say(M.URB_REQUEST, abort)
    assert attached.expect(M.URB_RESPONSE).sequence == first
    waiting = [attached.urb(bulk_in()) for _ in range(3)]
    last = attached.say(M.URB_REQUEST, abort)
    assert [attached.expect(M.URB_RESPONSE).sequence for _ in range(4)] == [*waiting, last]


@pytest.mark.parametrize("cut", [1, 15, 16, 17, 52])
def test_half_a_frame_and_then_the_end(attached: RawGuest, cut: int) -> None:
    whole = pack_header(M.URB_REQUEST, 36 + 512, attached.sequence + 1, attached.handle) + bytes(548)
    attached.raw(whole[:cut])
    attached.stop_writing()
    assert attached.verdict() is Why.TRUNCATED


def test_an_attach_that_is_refused_leaves_the_connection_usable(world: World) -> None:
    with RawGuest.control(world.address.path) as control, RawGuest.data(world.address.path, control.token) as data:
        assert data.attach("9-9").status != 0
        assert data.attach("9-1").status == 0
        data.urb(bulk_in())
        assert data.expect(M.URB_RESPONSE).payload[20:] == bytes(512)


def test_zero_length_and_flags_are_not_hostile(attached: RawGuest) -> None:
    attached.urb(bulk_out(b"", flags=UrbFlag.ZERO_PACKET))
    assert attached.expect(M.URB_RESPONSE).payload == bytes(20)


def test_guarded_requests_are_answered_and_nothing_ends(attached: RawGuest) -> None:
    for urb in (bulk_in(endpoint=0x8A), iso_urb([10, 20], 0x8A), control_urb(Setup(0, 5, 1, 0, 0))):
        attached.urb(urb)
        status = U32.unpack_from(attached.expect(M.URB_RESPONSE).payload)[0]
        assert status != 0
    attached.urb(bulk_in())
    assert attached.expect(M.URB_RESPONSE).payload[20:] == bytes(512)
