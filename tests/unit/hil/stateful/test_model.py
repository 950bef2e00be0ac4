"""What a walk's model calls right, and which faults excuse what."""

from __future__ import annotations

import pytest

from emulator import device_provider
from hil.stateful.model import DEFAULT_PLAN, EXPLAINS, Model, Violation
from hil.stateful.player import Seen, pattern
from hil.stateful.steps import Step
from wslusb.device.faults import KINDS, parse_plan

INFO = next(iter(device_provider("loopback").devices()))
ECHO = Step("echo", 10, 2)


def judge(step: Step, seen: Seen, *injected: str) -> None:
    Model(INFO).judge([step], [seen], injected)


def echoed(*data: bytes) -> Seen:
    return Seen(["OK"] * 4, [each.hex() for each in data])


def test_what_came_back_as_it_was_sent_is_right() -> None:
    judge(ECHO, echoed(pattern(10, 0), pattern(10, 1)))


@pytest.mark.parametrize(
    ("step", "seen", "says"),
    [
        (ECHO, echoed(pattern(10, 1), pattern(10, 0)), "read 0 brought .* first difference is at byte 0"),
        (ECHO, echoed(pattern(10, 0), pattern(10, 1)[:-1]), "9 bytes where 10 are due; the end is missing"),
        (ECHO, Seen(["OK", "", "OK", "OK"], ["", ""]), "URB 1 ended with nothing"),
        (Step("read", 100, 1), Seen(["OK"], [bytes(511).hex()]), "511 bytes where 512 are due"),
        (Step("cancel", 1, 1), Seen(["TIMEOUT"], [""]), "TIMEOUT where CANCELLED"),
        (Step("race", 1, 1), Seen(["STALL"], [""]), "STALL where OK or CANCELLED"),
        (Step("describe", 8), Seen(["OK"], [bytes(8).hex()]), "first difference"),
        (Step("reset"), Seen(["GONE"]), "GONE where OK"),
    ],
)
def test_what_is_not_right_is_said(step: Step, seen: Seen, says: str) -> None:
    with pytest.raises(Violation, match=says):
        judge(step, seen)


def test_a_fault_excuses_what_it_can_bring_about_and_nothing_else() -> None:
    stalled = Seen(["STALL", "OK", "OK", "OK"], ["", pattern(10, 1).hex()])
    judge(ECHO, stalled, "stall")
    with pytest.raises(Violation):
        judge(ECHO, stalled, "delay", "short")


def test_no_fault_excuses_an_answer_too_many() -> None:
    twice = Seen(["OK"] * 4, [pattern(10, 0).hex(), pattern(10, 1).hex()], ["URB 0 was answered 2 times"])
    with pytest.raises(Violation, match="answered 2 times"):
        judge(ECHO, twice, *EXPLAINS)


def test_each_fault_of_the_plan_is_one_that_the_model_knows() -> None:
    kinds = {
        name
        for name, kind in KINDS.items()
        for fault in parse_plan(DEFAULT_PLAN, "").faults
        if isinstance(fault.what, kind)
    }
    assert len(kinds) >= 7
    assert kinds <= EXPLAINS.keys()
