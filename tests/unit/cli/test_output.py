"""wslusb.cli.output and wslusb.cli.table: one line a message, plain columns, nothing that steers a terminal."""

from __future__ import annotations

import pytest

from wslusb.cli import output, table
from wslusb.cli.ending import guarded
from wslusb.errors import LocalError, LocalReason


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("it failed", "wslusb: error: it failed.\n"),
        ("it failed.", "wslusb: error: it failed.\n"),
        ("really?", "wslusb: error: really?\n"),
        ("two\nlines", "wslusb: error: two lines.\n"),
        ("\x1b[31mred", "wslusb: error: ?[31mred.\n"),
    ],
)
def test_a_message_is_one_line(capsys: pytest.CaptureFixture[str], text: str, line: str) -> None:
    output.error(text)
    assert capsys.readouterr() == ("", line)


def test_the_hint_is_the_next_line(capsys: pytest.CaptureFixture[str]) -> None:
    output.warning("careful", "do this")
    output.info("good to know")
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["wslusb: warning: careful.", "wslusb: hint: do this.", "wslusb: info: good to know."]


def test_plain_columns(capsys: pytest.CaptureFixture[str]) -> None:
    table.show(("A", "B", "C"), [("1-1", "マウス", "x"), ("1-10.4", "long " * 60, "\x1b]0;title\x07")])
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.startswith("A       B  ")
    assert first == "1-1     マウス" + " " * (300 - 6) + "  x", "a wide character is two columns"
    assert second.endswith("?]0;title?")
    assert "…" not in second


def test_a_terminal_gets_a_table(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    table.show(("BUSID", "DEVICE"), [("1-1", "[bold]a very long name of a device that must not be cut")])
    out = "".join(line.partition("1-1")[2] or line for line in capsys.readouterr().out.splitlines())
    assert "[bold]" in out.replace("\n", ""), "the strings of a device are no markup"
    assert "…" not in out


def test_another_program_speaks_in_its_own_name(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        raise LocalError(LocalReason.BAD_ADDRESS, "no such thing", hint="look")

    assert guarded(work, "emulator") == output.ExitCode.USAGE
    output.info("back")
    assert capsys.readouterr().err == "emulator: error: no such thing.\nemulator: hint: look.\nwslusb: info: back.\n"
