"""hil.programs: what starts programs may end, or hang, without an end of the session."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from hil import programs
from hil.places import shell
from hil.waiting import poll

HERE = shell.local()


@pytest.fixture
def started() -> Iterator[programs.Programs]:
    """Programs of this machine."""
    made = programs.Programs(lambda _place: {})
    yield made
    made.stop()


def zygote(made: programs.Programs) -> programs._Zygote:
    (found,) = made._zygotes.values()
    return found


def test_a_zygote_that_somebody_has_killed_is_replaced_by_another(started: programs.Programs) -> None:
    assert started.start(HERE, "wslusb", "--version").wait(30).returncode == 0
    first = zygote(started)
    first.process.kill()
    poll(lambda: not first.process.running, 10, "it has ended")
    assert started.start(HERE, "wslusb", "--version").wait(30).returncode == 0
    assert zygote(started) is not first


def test_one_that_hangs_does_not_hold_up_the_end(started: programs.Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    assert started.start(HERE, "wslusb", "--version").wait(30).returncode == 0
    hanging = zygote(started).process
    assert hanging.pid is not None
    os.killpg(hanging.pid, signal.SIGSTOP)
    monkeypatch.setattr(programs, "_END_SECONDS", 0.5)
    started.stop()
    poll(lambda: not hanging.running, 10, "it has been killed")
