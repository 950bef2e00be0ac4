"""wslusb.capture.vsockmon: records as include/uapi/linux/vsockmon.h lays them out."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wslusb.capture.vsockmon import HEADER_SIZE, Chunk, End, from_guest, from_host, read
from wslusb.wire.frame import PORT

GUEST = End(42, 1025)


def test_the_header_is_that_of_the_kernel() -> None:
    layout = "<QQIIHHHBB"
    assert struct.unpack(layout, from_host(GUEST)) == (2, 42, PORT, 1025, 4, 1, 0, 0, 0)
    assert struct.unpack(layout, from_guest(GUEST)) == (42, 2, 1025, PORT, 4, 1, 0, 0, 0)


@given(st.builds(End, st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1)), st.binary())
def test_there_and_back(guest: End, data: bytes) -> None:
    assert read(from_guest(guest) + data) == Chunk(guest, End(2, PORT), data)
    assert read(memoryview(from_host(guest) + data)) == Chunk(End(2, PORT), guest, data)


def test_directions() -> None:
    there, back = read(from_guest(GUEST)), read(from_host(GUEST))
    assert there is not None
    assert back is not None
    assert there.to_host
    assert not back.to_host


def test_a_header_of_the_transport_is_skipped() -> None:
    record = struct.pack("<QQIIHHH2x", 42, 2, 1025, PORT, 4, 2, 3) + b"xyz" + b"data"
    chunk = read(record)
    assert chunk is not None
    assert chunk.data == b"data"


@pytest.mark.parametrize("operation", [0, 1, 2, 3, 5])
def test_what_carries_no_bytes_of_the_connection_is_none(operation: int) -> None:
    assert read(struct.pack("<QQIIHHH2x", 42, 2, 1025, PORT, operation, 1, 0) + b"data") is None


@given(st.binary(max_size=HEADER_SIZE + 20))
def test_junk(junk: bytes) -> None:
    chunk = read(junk)
    assert chunk is None or len(chunk.data) <= len(junk) - HEADER_SIZE


def test_a_record_cut_short_is_none() -> None:
    assert read(from_host(GUEST)[:-1]) is None
    assert read(struct.pack("<QQIIHHH2x", 42, 2, 1025, PORT, 4, 2, 9) + b"x") is None
