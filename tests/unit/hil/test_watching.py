"""hil.places.watching: the program that tells what is plugged in, and its reader."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hil.errors import CommandFailedError, RigError
from hil.places import shell
from hil.places.watching import Watch, watching
from tests.support.waiting import until

NOTHING, STICK = "[]", '[{"info": {"busid": "1-2", "vendor": 1, "product": 2}, "address": 3}]'


class Process:
    """One whose output a test writes."""

    pid, returncode, running, output, stdout = 1, None, True, "", ""


def test_this_machine_is_watched_until_the_context_ends() -> None:
    with watching(shell.local()) as watch:
        assert watch.now == watch.history[0]
        process = watch._process
        assert process.running
    until(lambda: not process.running, "the program has ended")


def test_every_list_is_kept_and_half_a_line_waits() -> None:
    process = Process()
    watch = Watch(process, "bench")  # type: ignore[arg-type]  # all that it reads
    process.stdout = f"{NOTHING}\nwarning: something\n{STICK}\n[{{"
    assert [len(each) for each in watch.history] == [0, 1]
    process.stdout = f"{NOTHING}\nwarning: something\n{STICK}\n{NOTHING}\n"
    assert [len(each) for each in watch.history] == [0, 1, 0]
    assert list(watch.now) == []


def test_what_is_waited_for_is_found_or_not() -> None:
    process = Process()
    watch = Watch(process, "bench")  # type: ignore[arg-type]  # likewise
    process.stdout = f"{STICK}\n"
    assert watch.wait(lambda watch: watch.now[0].info.busid, 1) == "1-2"
    assert watch.wait(lambda watch: None if len(watch.now) else 1, 0.05) is None


def test_a_program_that_ends_is_an_error_with_what_it_said() -> None:
    process = Process()
    watch = Watch(process, "bench")  # type: ignore[arg-type]  # likewise
    process.stdout, process.output, process.running = f"{NOTHING}\n", "Traceback\nOSError: no sysfs\n", False
    with pytest.raises(RigError, match="bench no longer tells what is plugged in: OSError: no sysfs"):
        assert watch.now


def test_nonsense_is_an_error() -> None:
    process = Process()
    watch = Watch(process, "bench")  # type: ignore[arg-type]  # likewise
    process.stdout = '[{"busid": "1-2"}]\n'
    with pytest.raises(CommandFailedError, match="said"):
        assert watch.now


def test_a_place_without_the_program_is_an_error_at_once(tmp_path: Path) -> None:
    place = shell.ShellPlace("there", interpreter=sys.executable, directory=tmp_path)
    (tmp_path / "hil").mkdir()
    (tmp_path / "hil/__init__.py").touch()
    with pytest.raises(CommandFailedError, match="No module named 'hil"), watching(place):
        pytest.fail("it cannot be watched")
