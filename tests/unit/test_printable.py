"""Strings of devices and peers, as they may be shown."""

from __future__ import annotations

from wslusb.printable import printable


def test_what_moves_a_cursor_or_turns_text_around_is_taken_out() -> None:
    assert printable("A\x1b[2J\r\n\N{RIGHT-TO-LEFT OVERRIDE}\x9b b") == "A?[2J???? b"


def test_letters_of_any_language_stay() -> None:
    assert printable("Gerät ключ 鍵") == "Gerät ключ 鍵"


def test_what_is_asked_for_stays() -> None:
    assert printable("a\nb\tc", but="\n") == "a\nb?c"
