"""What is the rig's fault, and what is a failure."""

from __future__ import annotations

import pytest

from hil.errors import (
    AmbiguousDeviceError,
    CommandFailedError,
    CommandTimeoutError,
    DeviceAbsentError,
    MachineDiedError,
    VerbFailedError,
)
from hil.harness.running import MOST_FAILURES, Course, is_the_rig_s
from hil.live.side import TIMEOUT, ProbeError
from hil.report.results import Outcome
from hil.waiting import TooLateError

_WAITED = (
    CommandFailedError("guest", "dd: an error"),
    CommandTimeoutError("guest", "dd"),
    TooLateError("not within 30 s: every port of the guest is free"),
    ProbeError("reads on guest: the device kept it waiting for 60 s", TIMEOUT),
    pytest.fail.Exception("Timeout (>600.0s) from pytest-timeout."),
)


@pytest.mark.parametrize("error", _WAITED)
def test_what_fails_or_waits_on_machines_that_are_well_is_a_failure(error: Exception) -> None:
    assert not is_the_rig_s(error)


@pytest.mark.parametrize("error", [MachineDiedError("guest", "gone"), AmbiguousDeviceError("stick")])
def test_what_is_missing_is_the_rig_s_trouble(error: Exception) -> None:
    assert is_the_rig_s(error)


def test_a_device_that_leaves_in_the_middle_of_a_test_has_failed() -> None:
    assert not is_the_rig_s(DeviceAbsentError("stick: no device has serial 'A'"))


def test_a_verb_that_says_no_is_a_failure() -> None:
    assert not is_the_rig_s(VerbFailedError("guest", "wslusb attach 9-1: no"))


@pytest.mark.parametrize("error", [AssertionError(), ProbeError("no", "STALL"), pytest.fail.Exception("other bytes")])
def test_what_was_seen_is_a_failure(error: BaseException) -> None:
    assert not is_the_rig_s(error)


def test_trouble_of_the_rig_counts_for_this_session_and_not_for_the_next() -> None:
    course = Course()
    for _ in range(MOST_FAILURES):
        course.note("stick", Outcome.INFRASTRUCTURE, "the guest died")
    assert course.quarantined("stick")
    assert not course.failed
    assert course.untried == {"stick"}
    course.note("stick", Outcome.FAILED, "other bytes")
    assert set(course.failed) == {"stick"}


def test_a_device_is_stuck_until_a_test_is_not_kept_waiting_by_it() -> None:
    course = Course()
    course.note("stick", Outcome.FAILED, "no answer", stuck=True)
    assert course.stuck == {"stick"}
    course.note("stick", Outcome.SKIPPED, "")
    assert course.stuck == {"stick"}
    course.note("stick", Outcome.FAILED, "other bytes")
    assert course.stuck == set()
    course.note("stick", Outcome.FAILED, "no answer", stuck=True)
    course.note("stick", Outcome.PASSED, "")
    assert course.stuck == set()
