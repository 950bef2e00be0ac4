"""What the suite makes of the cases of both sides."""

from __future__ import annotations

from typing import Any

from hil.suite.cases import differences, own_mistakes


def _row(outcome: str) -> dict[str, Any]:
    return {"source": "9.4.5", "outcome": outcome, "seen": "STALL"}


def test_a_rule_that_is_broken_on_both_sides_is_the_device_s_own_mistake() -> None:
    native = {"chapter9: a b": _row("failed"), "b": _row("failed"), "c": _row("passed"), "d": _row("failed")}
    passthrough = {"chapter9: a b": _row("failed"), "b": _row("passed"), "c": _row("failed")}
    assert own_mistakes(native, passthrough) == ["breaks a rule (9.4.5, a b), natively and in the guest alike: STALL"]


def test_what_a_kernel_keeps_from_a_device_is_not_compared() -> None:
    withheld = {"outcome": "passed", "seen": "the system does not hand GET_INTERFACE to the device"}
    assert differences({"a": _row("failed")}, {"a": withheld}) == {}
    assert differences({"a": _row("failed")}, {"a": _row("passed")}) == {"a": "failed (STALL) | passed (STALL)"}
