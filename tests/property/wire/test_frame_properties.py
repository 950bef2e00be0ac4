"""Frames, whatever the socket makes of the stream: cut anywhere, spoilt anywhere, announced and never sent."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import pieces, u32
from wslusb.errors import PeerError, PeerReason
from wslusb.wire.frame import HEADER, FrameBuffer, next_sequence, pack_header

frames = st.lists(st.tuples(u32, u32, u32, st.binary(max_size=200)), max_size=8)
cuts = st.lists(st.integers(0, 5000), max_size=30)


def feed(buffer: FrameBuffer, data: bytes) -> list[tuple[int, int, int, bytes]]:
    """Write into the buffer as a socket does, and take what is whole."""
    out: list[tuple[int, int, int, bytes]] = []
    while data:
        room = buffer.writable()
        assert len(room) > 0
        count = min(len(room), len(data))
        room[:count] = data[:count]
        buffer.received(count)
        data = data[count:]
        while (frame := buffer.next()) is not None:
            out.append((frame.type, frame.sequence, frame.handle, bytes(frame.payload)))
    return out


@given(frames, cuts, st.sampled_from([16, 32, 100, 4096]))
def test_every_split_gives_the_same_frames(made: list[tuple[int, int, int, bytes]], at: list[int], size: int) -> None:
    stream = b"".join(pack_header(kind, len(body), sequence, handle) + body for kind, sequence, handle, body in made)
    buffer = FrameBuffer(size=size)
    assert [frame for piece in pieces(stream, at) for frame in feed(buffer, piece)] == made
    assert (buffer.pending, buffer.missing) == (0, 0)


@given(frames, st.integers(0, 5000))
def test_what_is_cut_off_is_pending(made: list[tuple[int, int, int, bytes]], cut: int) -> None:
    stream = b"".join(pack_header(kind, len(body), sequence, handle) + body for kind, sequence, handle, body in made)
    stream = stream[: cut % (len(stream) + 1)]
    buffer = FrameBuffer()
    whole = feed(buffer, stream)
    assert whole == made[: len(whole)]
    assert buffer.pending == len(stream) - sum(16 + len(frame[3]) for frame in whole)
    if buffer.pending >= 16:
        assert buffer.missing == 16 + len(made[len(whole)][3]) - buffer.pending


@given(st.binary(max_size=400), cuts)
def test_junk_is_frames_or_a_peer_error(junk: bytes, at: list[int]) -> None:
    buffer = FrameBuffer(1000, size=64)
    with contextlib.suppress(PeerError):
        for piece in pieces(junk, at):
            feed(buffer, piece)
    assert len(buffer._data) <= 2048


@given(st.integers(0, 0xFFFFFFFF))
def test_nothing_is_allocated_for_an_announcement(size: int) -> None:
    buffer = FrameBuffer(1 << 20, size=64)
    header = HEADER.pack(4, size, 1, 0)
    if size > 1 << 20:
        with pytest.raises(PeerError) as caught:
            feed(buffer, header)
        assert caught.value.reason is PeerReason.OVERSIZED
    else:
        feed(buffer, header + bytes(min(size, 100)))
    assert len(buffer._data) <= 256


@given(u32)
def test_sequence_numbers_go_round_without_zero(sequence: int) -> None:
    after = next_sequence(sequence)
    assert 1 <= after <= 0xFFFFFFFF
    assert after == (1 if sequence == 0xFFFFFFFF else sequence + 1)


@given(u32, u32, u32, u32)
def test_the_header_is_little_endian(kind: int, size: int, sequence: int, handle: int) -> None:
    assert pack_header(kind, size, sequence, handle) == struct.pack("<4I", kind, size, sequence, handle)
