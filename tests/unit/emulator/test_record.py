"""emulator.record: what a device writes down can be read at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.options import Options
from emulator.record import Record
from wslusb.errors import LocalError


def test_an_old_record_is_emptied_and_a_new_one_grows(tmp_path: Path) -> None:
    path = tmp_path / "record"
    path.write_text("old")
    record = Record.from_options(Options({"record": str(path)}))
    assert path.read_text() == "old", "nobody has opened the device yet"
    record.begin()
    assert path.read_bytes() == b""
    record.line("first")
    assert path.read_bytes() == b"first\n"
    record.data(b"\x00\xff")
    record.begin()
    assert path.read_bytes() == b"first\n\x00\xff"


def test_without_a_path_nothing_is_written() -> None:
    Record.from_options(Options({})).line("nowhere")


def test_the_name_of_the_option_can_be_another(tmp_path: Path) -> None:
    options = Options({"file": str(tmp_path / "printed")})
    Record.from_options(options, "file").data(b"x")
    assert (tmp_path / "printed").read_bytes() == b"x"
    assert not options.left


def test_a_file_that_cannot_be_written_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"^record: .*: Is a directory$"):
        Record.from_options(Options({"record": str(tmp_path)}))
