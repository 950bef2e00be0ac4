"""Daemons that end though nobody asked them to, and verbs that fail."""

from __future__ import annotations

import signal
from typing import Any, cast

import pytest

from hil.daemons import Daemons
from hil.errors import CommandTimeoutError, VerbFailedError
from hil.vm.remote import Result


class Process:
    """One that has ended, or runs."""

    output = "its last words"
    pid = 7

    def __init__(self, returncode: int | None = None, *, lost: bool = False) -> None:
        self.returncode = returncode
        self.running = returncode is None and not lost
        self.signals: list[int] = []

    def kill(self, number: int) -> None:
        self.signals.append(number)

    def wait(self, _seconds: float = 1) -> Result:
        if self.returncode is None:
            raise CommandTimeoutError("guest", "no answer")
        return Result("wslusb", self.returncode, "", "", self.output, 0.1)


class Place:
    name = "guest"
    log = ""

    def dmesg(self) -> str:
        return self.log

    def run(self, *_words: object) -> None: ...


def daemons(agent: Process, service: Process | None = None) -> Daemons[Any, Any]:
    place = cast("Any", Place())
    made = Daemons(place, place)
    made.agent, made.service = cast("Any", agent), cast("Any", service or Process())
    return made


def told(made: Daemons[Any, Any]) -> list[tuple[str, str]]:
    """What deaths are told, and the signals of those that somebody else has brought about."""
    return [(str(death), death.signal) for death in made.deaths()]


@pytest.mark.parametrize("returncode", [0, 1, 3, -11, 139])
def test_a_daemon_that_ends_by_itself_is_told_once(returncode: int) -> None:
    made = daemons(Process(returncode))
    assert told(made) == [(f"the agent of wslusb ended by itself, with status {returncode}", "")]
    assert made.deaths() == []


def test_one_that_runs_is_not() -> None:
    assert daemons(Process()).deaths() == []


@pytest.mark.parametrize("returncode", [0, -15, 143])
def test_one_that_was_asked_to_end_is_not(returncode: int) -> None:
    made, agent = daemons(Process()), Process()
    made.agent = cast("Any", agent)
    made.end(made.agent)
    agent.returncode, agent.running = returncode, False
    assert made.deaths() == []


def test_one_that_was_asked_to_end_and_fails_is_told() -> None:
    made, agent = daemons(Process()), Process()
    made.agent = cast("Any", agent)
    made.end(made.agent)
    agent.returncode, agent.running = -11, False
    assert told(made) == [("the agent of wslusb ended by itself, with status -11", "")]


@pytest.mark.parametrize(
    ("returncode", "output", "name"),
    [
        (-9, "", "SIGKILL"),
        (137, "", "SIGKILL"),
        (-15, "", "SIGTERM"),
        (0, "2026 INFO wslusb.cli.daemon: ending, by SIGTERM\n", "SIGTERM"),
        (0, "2026 INFO wslusb.cli.daemon: ending, by SIGHUP\nand more\n", "SIGHUP"),
    ],
)
def test_one_that_somebody_else_has_killed_is_told_as_such(returncode: int, output: str, name: str) -> None:
    agent = Process(returncode)
    agent.output = output
    assert told(daemons(agent)) == [(f"the agent of wslusb was killed from outside, by {name}", name)]


def test_what_fails_after_it_was_asked_to_end_has_failed_by_itself() -> None:
    agent = Process(1)
    agent.output = "ending, by SIGTERM\nTraceback\n"
    assert told(daemons(agent)) == [("the agent of wslusb ended by itself, with status 1", "")]


def test_one_that_its_kernel_has_killed_for_want_of_memory_has_died_by_itself() -> None:
    made = daemons(Process(-9))
    cast("Any", made.guest).log = "Out of memory: Killed process 7 (python3) total-vm:9kB\n"
    assert told(made) == [("the agent of wslusb ended by itself, with status -9", "")]


def test_one_that_the_test_killed_is_not() -> None:
    made, process = daemons(Process()), Process(137)
    made.kill9(made.host, cast("Any", process))
    made.service = cast("Any", process)
    assert made.deaths() == []


def test_one_whose_machine_does_not_answer_is_the_rigs_trouble() -> None:
    assert daemons(Process(lost=True)).deaths() == []


def test_one_that_was_started_again_in_the_meantime_is_told_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    made = daemons(Process(), Process(9))
    started = Process()
    monkeypatch.setattr(started, "wait_for_output", lambda *_words: None, raising=False)
    monkeypatch.setattr(made, "_start", lambda *_words: started)
    made.start_service()
    assert told(made) == [("the service of wslusb ended by itself, with status 9", "")]


def test_a_verb_that_fails_is_no_trouble_of_the_rig(monkeypatch: pytest.MonkeyPatch) -> None:
    made = daemons(Process())
    monkeypatch.setattr(made, "python", lambda *_words, **_env: Process(1))
    with pytest.raises(VerbFailedError, match=r"guest: wslusb attach 9-1: its last words"):
        made.attach("9-1")


def test_one_that_does_not_end_when_it_is_asked_to_is_killed_and_the_other_is_asked_too() -> None:
    agent, service = Process(), Process()
    daemons(agent, service).stop()
    assert agent.signals == service.signals == [signal.SIGTERM, signal.SIGKILL]
