from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hil.report.pieces import PIECE, Pieces, first_difference

DATA = st.binary(max_size=4 * PIECE)


@given(DATA)
def test_the_same_bytes_do_not_differ(data: bytes) -> None:
    assert first_difference(Pieces.of(data), Pieces.of(bytearray(data))) is None


@given(DATA.filter(len), st.data())
def test_the_piece_with_the_first_other_byte_is_found(data: bytes, draw: st.DataObject) -> None:
    at = draw.draw(st.integers(0, len(data) - 1))
    other = bytearray(data)
    other[at] ^= 0x10
    assert first_difference(Pieces.of(data), Pieces.of(other)) == at // PIECE * PIECE


@given(DATA.filter(len), st.integers(0, 4 * PIECE))
def test_a_shorter_copy_differs_only_if_it_is_known_to_be_all(data: bytes, cut: int) -> None:
    part = data[: min(cut, len(data) - 1)]
    assert first_difference(Pieces.of(data), Pieces.of(part, len(data))) is None
    assert first_difference(Pieces.of(data), Pieces.of(part)) == len(part) // PIECE * PIECE


def test_of_what_is_not_known_nothing_is_said() -> None:
    assert first_difference(None, Pieces.of(b"x")) is None
