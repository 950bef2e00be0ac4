"""hil.planted.looking: which mistakes are looked for, what the table says, and that the checkout stays as it is."""

from __future__ import annotations

import pytest

from hil.planted.looking import Row, command_line, copy, table
from hil.planted.mistake import ROOT, Mistake

MISTAKES = [Mistake(name, "conftest.py", "", "") for name in ("a read is lost", "a write is lost", "a halt stays")]


def _row(mistake: Mistake) -> Row:
    return "write" not in mistake.breaks, (mistake.breaks, "it")


@pytest.mark.parametrize(
    ("words", "printed", "code"),
    [
        ([], "| a read is lost | it |\n| a write is lost | it |\n| a halt stays | it |\n", 1),
        (["read", "halt"], "| a read is lost | it |\n| a halt stays | it |\n", 0),
        (["write"], "| a write is lost | it |\n", 1),
        (["nothing of this"], "", 0),
    ],
)
def test_words_choose_mistakes_and_one_that_nobody_finds_is_a_failure(
    words: list[str], printed: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert table(MISTAKES, words, _row) == code
    assert capsys.readouterr().out == printed


def test_the_command_line_has_seconds_and_words() -> None:
    parser = command_line("tests.fuzz.planted", "Mistakes.", seconds=60.0)
    assert vars(parser.parse_args([])) == {"seconds": 60.0, "words": []}
    assert vars(parser.parse_args(["--seconds", "5", "read", "halt"])) == {"seconds": 5.0, "words": ["read", "halt"]}


def test_a_mistake_is_made_in_a_copy_which_is_gone_afterwards() -> None:
    text = (ROOT / "conftest.py").read_text()
    with copy(["conftest.py"], Mistake("it", "conftest.py", text, "broken\n")) as folder:
        assert (folder / "conftest.py").read_text() == "broken\n"
        assert [each.name for each in folder.iterdir()] == ["conftest.py"]
    assert not folder.exists()
    assert (ROOT / "conftest.py").read_text() == text
    with copy(["conftest.py"], None) as sound:
        assert (sound / "conftest.py").read_text() == text
