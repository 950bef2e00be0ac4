"""URB requests and responses: there and back, and nothing but PeerError for what is spoilt."""

from __future__ import annotations

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import completions, flat, spoilt, u8, u32, urbs
from wslusb.errors import PeerError
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Completion, IsoResult, Status, Urb
from wslusb.wire import limits
from wslusb.wire.frame import HEADER
from wslusb.wire.limits import Limits
from wslusb.wire.urbs import (
    decode_abort,
    decode_request,
    decode_response,
    encode_abort,
    encode_request,
    encode_response,
    is_abort,
    misfit,
)

ALL = Limits()


def request(urb: Urb, sequence: int = 1, handle: int = 2) -> bytes:
    frame = b"".join(encode_request(urb, sequence, handle))
    assert HEADER.unpack_from(frame) == (4, len(frame) - 16, sequence, handle)
    return frame[16:]


def response(completion: Completion, status: int, sequence: int = 1, handle: int = 2) -> bytes:
    completion.status = status
    frame = b"".join(encode_response(completion, sequence, handle))
    assert HEADER.unpack_from(frame) == (5, len(frame) - 16, sequence, handle)
    return frame[16:]


@given(urbs(), u32, u32)
def test_requests_there_and_back(urb: Urb, sequence: int, handle: int) -> None:
    payload = request(urb, sequence, handle)
    assert not is_abort(memoryview(payload))
    again = decode_request(memoryview(payload), sequence, ALL)
    assert (again.sequence, flat(again)) == (sequence, flat(urb))
    assert again.is_in == urb.is_in
    assert misfit(urb, ALL) == 0


@given(urbs(), st.data())
def test_spoilt_requests(urb: Urb, data: st.DataObject) -> None:
    """What is still understood is a request that this side might have made."""
    payload = memoryview(data.draw(spoilt(request(urb))))
    with contextlib.suppress(PeerError):
        again = decode_request(payload, 1, ALL)
        assert misfit(again, ALL) == 0
        assert again.length <= ALL.transfer
        assert len(again.data) == (0 if again.is_in else again.length)
        assert sum(again.iso_lengths) == (again.length if again.is_iso else 0)


@given(st.binary(max_size=120))
def test_junk_requests(junk: bytes) -> None:
    with contextlib.suppress(PeerError):
        decode_request(memoryview(junk), 1, ALL)
    with contextlib.suppress(PeerError):
        decode_abort(memoryview(junk))
    assert is_abort(memoryview(junk)) == (junk[:2] == b"\2\0")


wild = st.builds(
    Urb, st.just(0), st.integers(0, 255), st.integers(0, 3), st.integers(-2, 200), st.sampled_from([0, 2, 4]),
    st.binary(max_size=100),
    st.none() | st.builds(Setup, u8, u8, st.just(0), st.just(0), st.integers(0, 64)),
    iso_lengths=st.lists(st.integers(-1, 50) | st.just(65536), max_size=5),
)  # fmt: skip


@given(wild)
def test_what_is_no_misfit_is_understood_by_the_other_side(urb: Urb) -> None:
    agreed = Limits(150, 4, 1, 1)
    if misfit(urb, agreed) == 0:
        decode_request(memoryview(request(urb)), 1, agreed)


@given(st.data())
def test_responses_there_and_back(data: st.DataObject) -> None:
    urb = data.draw(urbs())
    completion = data.draw(completions(urb))
    status = data.draw(u32)
    again = decode_response(memoryview(response(completion, status)), urb)
    assert (again.urb, again.status, again.actual_length) == (urb, status, completion.actual_length)
    assert (bytes(again.data), list(again.iso)) == (completion.data, list(completion.iso))
    assert (again.error_count, again.start_frame) == (completion.error_count, completion.start_frame)


@given(st.data())
def test_spoilt_responses(data: st.DataObject) -> None:
    """What is still understood is an answer that a device could have given."""
    urb = data.draw(urbs())
    payload = data.draw(spoilt(response(data.draw(completions(urb)), 0)))
    with contextlib.suppress(PeerError):
        again = decode_response(memoryview(payload), urb)
        assert 0 <= again.actual_length <= urb.length
        assert len(again.data) == (again.actual_length if urb.is_in else 0)
        assert len(again.iso) == len(urb.iso_lengths)
        assert again.error_count <= len(urb.iso_lengths)


@given(st.binary(max_size=120), urbs())
def test_junk_responses(junk: bytes, urb: Urb) -> None:
    with contextlib.suppress(PeerError):
        decode_response(memoryview(junk), urb)


@given(
    urbs(), st.sampled_from([Status.GONE, Status.CANCELLED, Status.INVALID]), st.integers(0, 5), st.binary(max_size=5)
)
def test_a_device_that_says_nothing_of_its_packets_is_answered_for(
    urb: Urb, status: Status, packets: int, data: bytes
) -> None:
    iso = [IsoResult(0, 0)] * packets if urb.is_iso else []
    completion = Completion(urb, status, 0, b"", iso=iso)
    again = decode_response(memoryview(response(completion, status)), urb)
    assert again.status == status
    assert all(result.actual_length == 0 for result in again.iso)


@given(st.integers(0, 255), u32, u32)
def test_aborts_there_and_back(endpoint: int, sequence: int, handle: int) -> None:
    frame = encode_abort(endpoint, sequence, handle)
    assert HEADER.unpack_from(frame) == (4, limits.URB_HEAD, sequence, handle)
    payload = memoryview(frame)[16:]
    assert is_abort(payload)
    assert decode_abort(payload) == endpoint
