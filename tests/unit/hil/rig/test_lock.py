"""Locks: one user for a device, and nobody is stopped by the dead."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.errors import LockedError, RigError
from hil.rig import files, holder
from hil.rig.holder import Holder
from hil.rig.lock import hold

KEY = "0951:1666:60A4/../\N{SNOWMAN}"
HOLD = """
import sys
from pathlib import Path
from hil.rig.lock import hold
with hold(sys.argv[1], Path(sys.argv[2])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def other_process(where: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock."""
    command = [sys.executable, "-c", HOLD, KEY, str(where)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "held"
        yield process
        process.kill()


def note_of(where: Path) -> Path:
    (note,) = where.glob("*.json")
    return note


def change(note: Path, **fields: object) -> None:
    document = json.loads(note.read_text())
    document["holder"].update(fields)
    note.write_text(json.dumps(document))


def test_a_lock_is_free_again_when_its_block_has_ended(tmp_path: Path) -> None:
    for _ in range(2):
        with hold(KEY, tmp_path) as left:
            assert left is None
    assert not list(tmp_path.glob("*.json"))


def test_a_second_user_in_the_same_process_is_told_who_has_it(tmp_path: Path) -> None:
    with (
        hold(KEY, tmp_path),
        pytest.raises(LockedError, match=f"in use by process {os.getpid()} "),
        hold(KEY, tmp_path),
    ):
        pass


def test_other_devices_are_not_locked(tmp_path: Path) -> None:
    with hold(KEY, tmp_path), hold(KEY + "2", tmp_path):
        pass


def test_keys_that_look_alike_as_file_names_are_different_locks(tmp_path: Path) -> None:
    with hold("a:b", tmp_path), hold("a/b", tmp_path):
        assert len(list(tmp_path.glob("*.lock"))) == 2


def test_another_process_is_named_with_what_it_runs(tmp_path: Path) -> None:
    with other_process(tmp_path) as process:
        with (
            pytest.raises(LockedError, match=rf"process {process.pid} .*\(-c .*since 20") as caught,
            hold(KEY, tmp_path),
        ):
            pass
        assert caught.value.hint == "wait for it, or end it"


def test_a_process_that_was_killed_leaves_no_lock_but_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with other_process(tmp_path) as process:
        process.kill()
        process.wait()
        with hold(KEY, tmp_path) as left:
            assert left is not None
            assert (left.pid, left.dead) == (process.pid, "it has ended")
    assert "left behind by process" in caplog.text
    with hold(KEY, tmp_path) as left:
        assert left is None


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"boot": "another"}, "has been restarted since"),
        ({"started": "1"}, "another process has its number now"),
        ({"pid": 1 << 40}, "it has ended"),
        ({"pid": -1}, "it has ended"),
        ({"host": "elsewhere", "pid": 1 << 40}, ""),
    ],
)
def test_who_is_dead_is_known_by_boot_and_start_and_not_by_the_number_alone(
    tmp_path: Path, fields: dict[str, object], why: str
) -> None:
    with hold(KEY, tmp_path):
        change(note_of(tmp_path), **fields)
        with pytest.raises(LockedError) as caught:
            hold(KEY, tmp_path).__enter__()
        assert caught.value.hint.startswith("find it with: fuser" if why else "wait")
        assert (why if why else "in use by process") in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": "hil.lock/1", "holder": 7}', "[" * 100000])
def test_a_damaged_note_is_survived(tmp_path: Path, text: str) -> None:
    with hold(KEY, tmp_path):
        note = note_of(tmp_path)
        note.write_text(text)
        with pytest.raises(LockedError, match="has not said who it is"):
            hold(KEY, tmp_path).__enter__()
    note.write_text(text)
    with hold(KEY, tmp_path) as left:
        assert left is None


def test_a_folder_that_cannot_be_made_is_an_error_of_the_rig(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RigError, match=r"cannot lock .*file") as caught:
        hold(KEY, tmp_path / "file" / "locks").__enter__()
    assert "WSLUSB_STATE_DIR" in caught.value.hint


def test_a_note_that_cannot_be_written_is_an_error_of_the_rig(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(*_words: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "save", full)
    with pytest.raises(RigError, match="No space left on device"):
        hold(KEY, tmp_path).__enter__()
    monkeypatch.undo()
    with hold(KEY, tmp_path) as left:
        assert left is None


def test_a_system_without_proc_knows_the_living_by_their_number(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(holder, "_PROC", tmp_path)
    here = Holder.here()
    assert (here.boot, here.started, here.dead) == ("", "", "")
