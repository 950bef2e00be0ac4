"""Addresses: there and back, and nothing but LocalError for what is none."""

from __future__ import annotations

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from wslusb.errors import LocalError
from wslusb.transport.address import Address, HybridAddress, UnixAddress, VsockAddress, parse

numbers = st.integers(0, 0xFFFFFFFE)
paths = st.text(min_size=1)
addresses = (
    st.builds(VsockAddress, st.none() | numbers)
    | st.builds(VsockAddress, st.none() | numbers, numbers)
    | st.builds(UnixAddress, paths)
    | st.builds(HybridAddress, paths)
    | st.builds(HybridAddress, paths, numbers)
)


@given(addresses)
def test_there_and_back(address: Address) -> None:
    assert parse(str(address)) == address


@given(
    st.text() | st.builds("{}:{}".format, st.sampled_from(["vsock", "unix", "hybrid"]), st.text("0123456789x:/٣-+_ "))
)
def test_junk(text: str) -> None:
    with contextlib.suppress(LocalError):
        assert parse(str(parse(text))) == parse(text)
