"""Whatever a program sends to a card reader, each message gets its answer, and the next one is understood."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from emulator.devices.ccid_parts.apdu import CommandApdu, Refusal
from emulator.devices.ccid_parts.card import Card
from emulator.devices.ccid_parts.slot import Slot

u8 = st.integers(0, 255)
data = st.binary(max_size=270)
messages = st.builds(
    lambda kind, length, slot, sequence, own, body: struct.pack("<BIBB3s", kind, length, slot, sequence, own) + body,
    u8, st.integers(0, 300) | st.integers(0, (1 << 32) - 1), st.integers(0, 2), u8,
    st.binary(min_size=3, max_size=3), data,
)  # fmt: skip
honest = st.builds(
    lambda kind, sequence, own, body: struct.pack("<BIBB3s", kind, len(body), 0, sequence, own) + body,
    st.sampled_from([0x61, 0x62, 0x63, 0x65, 0x6C, 0x6D, 0x6E, 0x6F, 0x72, 0x73]), u8,
    st.sampled_from([b"\0\0\0", b"\1\0\0"]), data,
)  # fmt: skip


@given(st.lists(messages | honest, max_size=20), st.booleans())
def test_every_message_is_answered(sent: list[bytes], has_card: bool) -> None:
    slot = Slot(Card() if has_card else None)
    for message in sent:
        answer = slot.answer(message)
        kind, length, number, sequence, status, error, _ = struct.unpack("<BIBBBBB", answer[:10])
        assert kind in (0x80, 0x81, 0x82, 0x84)
        assert (length, number, sequence) == (len(answer) - 10, message[5], message[6])
        assert status & 0x3F in (0, 1, 2)
        assert status & 0x40 or not error, "an error is told only with a failure"


@given(st.binary(max_size=300))
def test_no_apdu_is_too_wild(raw: bytes) -> None:
    assert len(Card().answer(raw)) >= 2


@given(u8, u8, u8, u8, st.binary(max_size=255), st.none() | st.integers(1, 256))
def test_short_apdus_there_and_back(cla: int, ins: int, p1: int, p2: int, body: bytes, expected: int | None) -> None:
    raw = bytes((cla, ins, p1, p2)) + (bytes((len(body),)) + body if body else b"")
    raw += b"" if expected is None else bytes((expected & 0xFF,))
    assert CommandApdu.unpack(raw) == CommandApdu(cla, ins, p1, p2, body, expected or 0)


@given(u8, u8, st.binary(min_size=1, max_size=600), st.none() | st.integers(1, 65_536))
def test_extended_apdus_there_and_back(cla: int, ins: int, body: bytes, expected: int | None) -> None:
    raw = bytes((cla, ins, 0, 0, 0)) + len(body).to_bytes(2, "big") + body
    raw += b"" if expected is None else (expected & 0xFFFF).to_bytes(2, "big")
    assert CommandApdu.unpack(raw) == CommandApdu(cla, ins, 0, 0, body, expected or 0)
    try:
        CommandApdu.unpack(raw[: 7 + len(body) - 1])
    except Refusal:
        return
    assert len(body) == 1, "a byte that is missing is noticed, unless nothing is left"
