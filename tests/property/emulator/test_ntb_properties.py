"""emulator.devices.network_parts.ntb: blocks of frames both ways, and blocks that lie."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.devices.network_parts import ntb

FRAMES = st.lists(st.binary(min_size=1, max_size=1514), max_size=12)


@given(FRAMES, st.integers(0, 0xFFFF))
def test_what_is_packed_is_unpacked(frames: list[bytes], sequence: int) -> None:
    block = ntb.pack(sequence, frames)
    assert len(block) <= sum(map(len, frames)) + ntb.overhead(len(frames))
    if frames:
        assert ntb.unpack(block) == frames
        assert ntb.unpack(block + b"padding") == frames


@given(FRAMES.filter(bool), st.data())
def test_a_damaged_block_is_refused_or_gives_frames_that_were_in_it(frames: list[bytes], data: st.DataObject) -> None:
    block = bytearray(ntb.pack(0, frames))
    at = data.draw(st.integers(0, 27))
    block[at] = data.draw(st.integers(0, 255))
    try:
        got = ntb.unpack(block)
    except ValueError:
        return
    assert all(frame in block for frame in got)


@given(st.binary(max_size=200))
def test_noise_is_refused(noise: bytes) -> None:
    with pytest.raises(ValueError, match="block"):
        ntb.unpack(noise)


def test_a_table_that_follows_itself_is_refused() -> None:
    block = bytearray(ntb.pack(0, [b"frame"]))
    block[18:20] = (12).to_bytes(2, "little")
    with pytest.raises(ValueError, match="circles"):
        ntb.unpack(block)
