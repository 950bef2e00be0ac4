"""A MIDI stream comes out of its packets as it went in, however it was cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from emulator.devices.midi_parts.events import EventParser, events

data = st.integers(0, 127)
messages = st.one_of(
    st.builds(lambda status, a, b: bytes((status, a, b)), st.integers(0x80, 0xBF), data, data),
    st.builds(lambda status, a: bytes((status, a)), st.integers(0xC0, 0xDF), data),
    st.builds(lambda status, a, b: bytes((status, a, b)), st.integers(0xE0, 0xEF), data, data),
    st.builds(lambda body: b"\xf0" + bytes(body) + b"\xf7", st.lists(data, max_size=20)),
    st.builds(lambda status, a: bytes((status, a)), st.sampled_from([0xF1, 0xF3]), data),
    st.builds(lambda a, b: bytes((0xF2, a, b)), data, data),
    st.sampled_from([b"\xf6", b"\xf8", b"\xfa", b"\xff"]),
)


@given(st.lists(messages), st.integers(0, 15), st.lists(st.integers(1, 7), min_size=1))
def test_there_and_back(parts: list[bytes], cable: int, cuts: list[int]) -> None:
    stream, parser, packets, start = b"".join(parts), EventParser(cable), [], 0
    for number in range(len(stream)):
        size = cuts[number % len(cuts)]
        packets += parser.feed(stream[start : start + size])
        start += size
    assert all(len(packet) == 4 for packet in packets)
    found = list(events(b"".join(packets)))
    assert b"".join(payload for _, payload in found) == stream
    assert {each for each, _ in found} <= {cable}


@given(st.binary(max_size=60))
def test_no_stream_is_too_wild(stream: bytes) -> None:
    for packet in EventParser().feed(stream):
        assert len(packet) == 4
        assert packet[0] in range(2, 16)


@given(st.binary(max_size=60))
def test_no_transfer_is_too_wild(transfer: bytes) -> None:
    for cable, payload in events(transfer):
        assert cable in range(16)
        assert 1 <= len(payload) <= 3
