"""What is the rig's fault, and what is a failure."""

from __future__ import annotations

import pytest

from hil.errors import CommandFailedError, CommandTimeoutError, DeviceAbsentError, MachineDiedError, VerbFailedError
from hil.harness.running import MOST_FAILURES, Course, is_the_rig_s
from hil.report.results import Outcome

_COMMANDS = (CommandFailedError("guest", "dd: an error"), CommandTimeoutError("guest", "dd"))


@pytest.mark.parametrize("error", _COMMANDS)
def test_a_command_that_fails_on_a_machine_that_is_well_is_a_failure(error: Exception) -> None:
    assert not is_the_rig_s(error, lambda: True)
    assert is_the_rig_s(error, lambda: False)


@pytest.mark.parametrize("error", [MachineDiedError("guest", "gone"), DeviceAbsentError("stick")])
def test_what_is_missing_is_the_rig_s_trouble(error: Exception) -> None:
    assert is_the_rig_s(error, lambda: True)


def test_a_verb_that_says_no_is_a_failure() -> None:
    assert not is_the_rig_s(VerbFailedError("guest", "wslusb attach 9-1: no"), lambda: False)


def test_an_assertion_is_a_failure() -> None:
    assert not is_the_rig_s(AssertionError(), lambda: False)


def test_trouble_of_the_rig_counts_for_this_session_and_not_for_the_next() -> None:
    course = Course()
    for _ in range(MOST_FAILURES):
        course.note("stick", Outcome.INFRASTRUCTURE, "the guest died")
    assert course.quarantined("stick")
    assert not course.failed
    assert course.untried == {"stick"}
    course.note("stick", Outcome.FAILED, "other bytes")
    assert set(course.failed) == {"stick"}
