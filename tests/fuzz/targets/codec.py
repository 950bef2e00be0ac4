"""The codec of the protocol: every message, URB requests and responses, and the frames of a connection."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from tests.fuzz.samples import drawn
from tests.support import strategies
from wslusb.errors import PeerError
from wslusb.session.connection import Connection
from wslusb.session.states import Role, State
from wslusb.usb.urb import Completion, Urb
from wslusb.wire.frame import FrameBuffer, pack_header
from wslusb.wire.limits import Limits
from wslusb.wire.messages import Hello
from wslusb.wire.urbs import (
    decode_abort,
    decode_request,
    decode_response,
    encode_request,
    encode_response,
    is_abort,
    misfit,
)

MESSAGES = tuple(strategies.messages)
_REQUEST, _RESPONSE, _STREAM = len(MESSAGES), len(MESSAGES) + 1, len(MESSAGES) + 2
KINDS = len(MESSAGES) + 3
ALL = Limits(transfer=1 << 20)


def seeds() -> Iterator[bytes]:
    """The first byte says what the rest is."""
    for number, strategy in enumerate(strategies.messages.values()):
        for message in drawn(strategy, 8):
            yield bytes((number,)) + message.pack()
    for urb in drawn(strategies.urbs(), 24):
        request = b"".join(encode_request(urb, 1, 2))[16:]
        yield bytes((_REQUEST,)) + request
        for completion in drawn(strategies.completions(urb), 1):
            answer = b"".join(encode_response(completion, 1, 2))[16:]
            yield bytes((_RESPONSE, len(request) & 0xFF, len(request) >> 8)) + request + answer
    hello = Hello().pack()
    for role in (0, 1):
        yield bytes((_STREAM, role)) + pack_header(7, len(hello), 1) + hello + pack_header(10, 0, 2)


def run(data: bytes) -> None:
    """Nothing but PeerError, and what is understood is what this side would have written."""
    if not data:
        return
    kind, rest = data[0] % KINDS, data[1:]
    with contextlib.suppress(PeerError):
        if kind < len(MESSAGES):
            message: Any = MESSAGES[kind]
            understood = message.unpack(memoryview(rest))
            assert message.unpack(memoryview(understood.pack())) == understood
        elif kind == _REQUEST:
            _request(rest)
        elif kind == _RESPONSE:
            _response(rest)
        else:
            _stream(rest)


def _request(payload: bytes) -> Urb:
    if is_abort(memoryview(payload)):
        assert 0 <= decode_abort(memoryview(payload)) <= 255
    urb = decode_request(memoryview(payload), 1, ALL)
    assert misfit(urb, ALL) == 0
    again = b"".join(encode_request(urb, 1, 2))[16:]
    assert again[2:] == payload[2:], "all but the function code is the same"
    return urb


def _response(data: bytes) -> None:
    """A length of two bytes, a request of that length, and what is said to be its answer."""
    size = int.from_bytes(data[:2], "little")
    urb = _request(data[2 : 2 + size])
    answer = data[2 + size :]
    completion: Completion = decode_response(memoryview(answer), urb)
    assert completion.actual_length <= urb.length, "more than was asked for"
    assert len(completion.iso) == len(urb.iso_lengths)
    assert b"".join(encode_response(completion, 1, 2))[16:] == answer


def _received(buffer: FrameBuffer, piece: bytes) -> None:
    while piece:
        room = buffer.writable()
        room[: len(piece)] = piece[: len(room)]
        buffer.received(min(len(piece), len(room)))
        piece = piece[len(room) :]


def _frames(data: bytes, step: int, size: int) -> list[tuple[int, int, int, bytes]]:
    """The frames of a stream that comes in pieces of ``step`` bytes."""
    buffer, found = FrameBuffer(size=size), list[tuple[int, int, int, bytes]]()
    with contextlib.suppress(PeerError):
        for start in range(0, len(data), step):
            _received(buffer, data[start : start + step])
            while (frame := buffer.next()) is not None:
                found.append((frame.type, frame.sequence, frame.handle, bytes(frame.payload)))
    return found


def _stream(data: bytes) -> None:
    if not data:
        return
    assert _frames(data[1:], 7, 32) == _frames(data[1:], len(data), len(data) + 1), "in pieces as in one"
    connection = Connection((Role.HOST, Role.GUEST)[data[0] & 1], Hello())
    buffer = connection.frames
    for start in range(1, len(data), 7):
        _received(buffer, data[start : start + 7])
        while (frame := connection.receive()) is not None:
            if frame.type == 7 and connection.state is State.NEW:
                connection.hello_received(frame.payload)
            elif frame.type == 2 and connection.state is State.DATA:
                connection.attached(1)
        assert buffer.pending <= len(data)
