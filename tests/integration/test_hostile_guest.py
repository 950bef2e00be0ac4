"""A guest that breaks the protocol, against a live service: it gets a typed Error frame, and nobody else notices."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.support.peers import RawGuest
from tests.support.usb import bulk_in, bulk_out, control_urb, iso_urb, read_zeroes
from tests.support.waiting import PATIENCE, until
from tests.support.world import Guest, World
from wslusb.device import sync
from wslusb.errors import PeerReason as Why
from wslusb.usb.setup import Setup
from wslusb.usb.urb import UrbFlag
from wslusb.wire import limits
from wslusb.wire.cancels import Cancel
from wslusb.wire.events import Event, EventKind
from wslusb.wire.frame import MessageType as M
from wslusb.wire.frame import pack_header
from wslusb.wire.limits import Limits
from wslusb.wire.messages import AttachRequest, ErrorMessage, Hello, Purpose

U32 = struct.Struct("<I")


def answers(guest: Guest) -> None:
    """The guest's device still does."""
    assert len(sync.control(guest.device, Setup(0x80, 6, 0x0100, 0, 18)).data) == 18


@pytest.fixture
def bystander(world: World) -> Iterator[Guest]:
    """An honest guest with the stick, before and after."""
    guest = Guest(world, "9-2")
    yield guest
    answers(guest)
    guest.close()
    world.free("9-1")
    world.works("9-1")


def hello(**changes: object) -> bytes:
    return Hello(**changes).pack()  # type: ignore[arg-type]


def header_only(kind: int, size: int) -> bytes:
    return pack_header(kind, size, 1)


BEFORE_HELLO: dict[str, tuple[bytes, Why]] = {
    "junk": (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", Why.OVERSIZED),
    "zeroes": (bytes(64), Why.UNKNOWN_TYPE),
    "all ones": (b"\xff" * 64, Why.OVERSIZED),
    "wrong magic": (pack_header(M.HELLO, 8, 1) + b"usbredir", Why.MALFORMED),
    "truncated hello": (pack_header(M.HELLO, 10, 1) + hello()[:10], Why.TRUNCATED),
    "unknown type": (pack_header(0x30, 0, 1), Why.UNKNOWN_TYPE),
    "extension type": (pack_header(0x40, 0, 1), Why.UNKNOWN_TYPE),
    "no hello at all": (pack_header(M.ENUMERATION, 0, 1), Why.BAD_STATE),
    "urb before hello": (pack_header(M.URB_REQUEST, 0, 1), Why.BAD_STATE),
    "ping before hello": (pack_header(M.PING, 0, 1), Why.BAD_STATE),
    "hello too large": (header_only(M.HELLO, limits.HELLO_PAYLOAD + 1), Why.OVERSIZED),
    "4 GiB": (header_only(M.HELLO, 0xFFFFFFFF), Why.OVERSIZED),
    "hello numbered 0": (pack_header(M.HELLO, len(hello()), 0) + hello(), Why.OUT_OF_ORDER),
    "hello numbered 2": (pack_header(M.HELLO, len(hello()), 2) + hello(), Why.OUT_OF_ORDER),
    "hello with a handle": (pack_header(M.HELLO, len(hello()), 1, 5) + hello(), Why.BAD_HANDLE),
    "future version": (
        pack_header(M.HELLO, len(hello()), 1) + hello(oldest=2, newest=9),
        Why.VERSION,
    ),
    "no room at all": (
        pack_header(M.HELLO, len(hello()), 1) + hello(limits=Limits(transfer=0)),
        Why.LIMIT,
    ),
    "purpose": (pack_header(M.HELLO, len(hello()), 1) + hello(purpose=7), Why.MALFORMED),
    "no token": (pack_header(M.HELLO, len(hello()), 1) + hello(purpose=Purpose.DATA), Why.BAD_TOKEN),
    "wrong token": (
        pack_header(M.HELLO, len(hello(token=bytes(16))), 1) + hello(purpose=Purpose.DATA, token=bytes(16)),
        Why.BAD_TOKEN,
    ),
    "short token": (
        pack_header(M.HELLO, len(hello(token=bytes(5))), 1) + hello(purpose=Purpose.DATA, token=bytes(5)),
        Why.MALFORMED,
    ),
    "terminal escapes in the name": (
        pack_header(M.HELLO, len(hello(name="xxxx")), 1) + hello(name="xxxx").replace(b"xxxx", b"\x1b[2J"),
        Why.MALFORMED,
    ),
    "two hellos": (
        (pack_header(M.HELLO, len(hello()), 1) + hello()) + (pack_header(M.HELLO, len(hello()), 2) + hello()),
        Why.BAD_STATE,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BEFORE_HELLO)
def test_before_the_hello(world: World, bystander: Guest, case: str) -> None:
    data, why = BEFORE_HELLO[case]
    with RawGuest(world.address.path) as guest:
        guest.raw(data)
        assert guest.verdict() is why


def event(kind: int) -> bytes:
    return bytes((kind,)) + Event(EventKind.ATTACHED, "9-1").pack()[1:]


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


@pytest.fixture
def attached(world: World, bystander: Guest) -> Iterator[RawGuest]:
    with (
        RawGuest.control(world.address.path) as control,
        RawGuest.data(world.address.path, control.token, Limits(1 << 20, 8, 4, 1 << 20)) as data,
    ):
        data.attach()
        yield data


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


def choose_echo(guest: RawGuest) -> None:
    """The configuration in which a read waits until something has been written."""
    guest.urb(control_urb(Setup(0, 9, 2, 0, 0)))
    assert guest.expect(M.URB_RESPONSE).payload[:4] == bytes(4)


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


def test_half_a_hello_and_then_the_end(world: World, bystander: Guest) -> None:
    with RawGuest(world.address.path) as guest:
        guest.raw(pack_header(M.HELLO, 40, 1) + hello()[:20])
        guest.stop_writing()
        assert guest.verdict() is Why.TRUNCATED


def test_end_without_a_word(world: World, bystander: Guest) -> None:
    RawGuest(world.address.path).close()


def test_silence_in_place_of_a_hello(world: World, bystander: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HELLO_SECONDS", 0.1)
    with RawGuest(world.address.path) as guest:
        assert guest.verdict() is Why.TIMEOUT


def test_a_hello_byte_by_byte_is_not_waited_for(
    world: World, bystander: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "HELLO_SECONDS", 0.3)
    with RawGuest(world.address.path) as guest:
        began = time.monotonic()
        try:
            for byte in pack_header(M.HELLO, 60000, 1) + bytes(60000):
                guest.raw(bytes((byte,)))
                time.sleep(0.02)
        except OSError:
            pass
        assert time.monotonic() - began < 3
        assert guest.verdict() is Why.TIMEOUT


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


def test_honest_guests_next_to_it(world: World) -> None:
    guest = Guest(world)
    read_zeroes(guest.device)
    guest.close()
