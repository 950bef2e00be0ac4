"""What runs leave behind that were killed is cleared away by the next, and what living ones have is not."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from hil import folders
from hil.live.real import sweep
from hil.places import shell

MAKE = """
import os, signal, sys, tempfile
from hil.folders import prefix
for what in ("rig", "vsock"):
    print(tempfile.mkdtemp(prefix=prefix(what), dir=sys.argv[1]), flush=True)
{end}
"""


def left_by(where: Path, end: str) -> subprocess.Popen[str]:
    """A process that has made two folders."""
    made = subprocess.Popen([sys.executable, "-c", MAKE.format(end=end), str(where)], stdin=-1, stdout=-1, text=True)
    assert made.stdout is not None
    assert made.stdout.readline()
    assert made.stdout.readline()
    return made


def test_the_folders_of_a_run_that_was_killed_go_and_those_of_others_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left_by(tmp_path, "os.kill(os.getpid(), signal.SIGKILL)").communicate()
    dead = {path.name for path in tmp_path.iterdir()}
    assert len(dead) == 2
    (tmp_path / sorted(dead)[0] / "stick.img").write_bytes(b"\0")
    mine = tempfile.mkdtemp(prefix=folders.prefix("rig"))
    other = tmp_path / "wslusb-rig.somebody-s"
    other.mkdir()
    with left_by(tmp_path, "sys.stdin.read()") as living:
        kept = {path.name for path in tmp_path.iterdir()} - dead
        assert {Path(path).name for path in sweep(shell.local())} == dead
        assert {path.name for path in tmp_path.iterdir()} == kept
        assert len(kept) == 4
        assert Path(mine).is_dir()
        living.kill()


def test_a_folder_of_a_process_whose_number_another_one_has_now_is_nobodys() -> None:
    mine = f"/run/{folders.prefix('rig')}abcdef"
    other = mine.replace(f"-{os.getpid()}-", f"-{os.getpid()}-1")
    assert folders.abandoned([mine, other]) == [other]


@pytest.mark.parametrize(
    "name", ["wslusb-rig.00000000-1234567890-5.abcdef", "wslusb-hil.abcdef", "", "wslusb-rig.x-y-z.q"]
)
def test_what_another_machine_has_called_is_left_alone(name: str) -> None:
    assert folders.abandoned([name, f"/run/{name}"]) == []
