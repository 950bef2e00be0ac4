"""A guest that begins with anything but an orderly hello."""

from __future__ import annotations

import time

import pytest

from tests.support.hostile import header_only, hello
from tests.support.peers import RawGuest
from tests.support.world import Guest, World
from wslusb.errors import PeerReason as Why
from wslusb.wire import limits
from wslusb.wire.frame import MessageType as M
from wslusb.wire.frame import pack_header
from wslusb.wire.limits import Limits
from wslusb.wire.messages import Purpose

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
