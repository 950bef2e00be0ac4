"""hil.live.side: what a probe says at its end, and what is no answer."""

from __future__ import annotations

from typing import Any, cast

import pytest

from hil.errors import CommandFailedError, CommandTimeoutError
from hil.live.side import ProbeError, Running
from hil.vm.remote import Result


class Said:
    """A process that has said something and ended."""

    def __init__(self, text: str, returncode: int = 0) -> None:
        self._result = Result("probe", returncode, text, "", text, 0.1)

    def wait(self, _seconds: float) -> Result:
        return self._result

    def wait_for_output(self, pattern: str, _seconds: float) -> None:
        raise CommandFailedError("guest", f"`a long command` ended (0) before {pattern!r}")


class Stuck:
    """A process that does not end."""

    killed = False

    def wait(self, seconds: float) -> Result:
        raise CommandTimeoutError("guest", f"no end within {seconds:g} s")

    def kill(self) -> None:
        self.killed = True


class Bench:
    name = "guest"


def running(text: str, returncode: int = 0) -> Running:
    return Running(cast("Any", Said(text, returncode)), cast("Any", Bench()), "disk")


def test_the_last_line_is_the_answer() -> None:
    assert running('a driver said this\n{"result": [1, 2]}\n').answer() == [1, 2]


def test_what_the_device_refused_has_a_status() -> None:
    with pytest.raises(ProbeError, match="disk on guest: STALL: no") as caught:
        running('{"error": {"status": "STALL", "message": "no"}}').answer()
    assert caught.value.status == "STALL"


def test_what_went_wrong_on_the_native_side_says_so() -> None:
    said = cast("Any", Said('{"error": {"status": "STALL", "message": "no"}}'))
    with pytest.raises(ProbeError, match="natively, disk on guest: STALL: no"):
        Running(said, cast("Any", Bench()), "disk", "native").answer()


@pytest.mark.parametrize(
    "text", ["\x1b[31mjunk", "{", "[]", "7", "null", '"error"', "{}", '{"error": 1}', '{"error": {}}', "\n\n", ""]
)
def test_junk_is_a_failure_of_the_rig_and_not_of_the_device(text: str) -> None:
    with pytest.raises(CommandFailedError, match="disk"):
        running(text).answer()


def test_a_device_that_does_not_answer_is_the_device_s_failure_and_the_probe_is_ended() -> None:
    stuck = Stuck()
    with pytest.raises(ProbeError, match="disk on guest: the device kept it waiting for 3 s") as caught:
        Running(cast("Any", stuck), cast("Any", Bench()), "disk").answer(3)
    assert caught.value.status == "TIMEOUT"
    assert stuck.killed


def test_a_probe_that_failed_is_no_answer() -> None:
    with pytest.raises(CommandFailedError, match="failed"):
        running('{"result": 1}', 1).answer()


def test_a_probe_that_ends_before_it_listens_has_said_why() -> None:
    with pytest.raises(ProbeError, match="disk on guest: BUSY: cannot claim interface 0"):
        running('{"error": {"status": "BUSY", "message": "cannot claim interface 0"}}').wait_ready()
    with pytest.raises(CommandFailedError, match="before 'ready'"):
        running('{"result": []}').wait_ready()
