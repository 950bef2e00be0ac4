"""What is the rig's fault, and what is a failure."""

from __future__ import annotations

import pytest

from hil.errors import CommandFailedError, CommandTimeoutError, DeviceAbsentError, MachineDiedError, VerbFailedError
from hil.harness.running import is_the_rig_s

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
