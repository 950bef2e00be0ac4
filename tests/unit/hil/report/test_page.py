from __future__ import annotations

import pytest

from hil.report import page
from hil.report.results import CaseResult, Comparison, DeviceFacts, Outcome, Results, RigFacts
from tests.support.rig_results import a_night


def case(outcome: Outcome, device: str | None = "stick", message: str = "", name: str = "test_a") -> CaseResult:
    return CaseResult(f"hil/suite/test_x.py::{name}[{device}]", outcome, device=device, message=message)


def run(
    *tests: CaseResult, devices: tuple[DeviceFacts, ...] = (), command: str = "pytest hil/suite --rig r.toml"
) -> Results:
    return Results(RigFacts("r", "real"), "2026", command=command.split(), devices=list(devices), tests=list(tests))


PASSED, FAILED, SKIPPED = case(Outcome.PASSED), case(Outcome.FAILED), case(Outcome.SKIPPED, message="no rig file")
TROUBLE, FLAKY, OUT = case(Outcome.INFRASTRUCTURE), case(Outcome.FLAKY, "uart"), case(Outcome.QUARANTINED)


@pytest.mark.parametrize(
    ("tests", "worst", "sentence"),
    [
        ([PASSED], Outcome.PASSED, "The one test that ran passed on 1 device."),
        ([PASSED, case(Outcome.PASSED, "uart"), SKIPPED], Outcome.PASSED, "All 2 tests that ran passed on 2 devices."),
        ([PASSED, FAILED, TROUBLE], Outcome.FAILED, "1 of 2 tests failed, on stick."),
        ([FAILED, case(Outcome.FAILED, "uart"), case(Outcome.FAILED, None)], Outcome.FAILED,
         "3 of 3 tests failed, on stick, uart and the rig itself."),
        ([PASSED, TROUBLE], Outcome.INFRASTRUCTURE, "The one test that ran passed on 1 device."),
        ([FLAKY], Outcome.FLAKY, "The one test that ran passed on 1 device."),
        ([TROUBLE], Outcome.INFRASTRUCTURE, "Nothing was tested: the rig failed."),
        ([SKIPPED], Outcome.SKIPPED, "Nothing was tested. Most were skipped because: no rig file."),
        ([OUT], Outcome.SKIPPED, "Nothing was tested. Most were skipped because: no reason was given."),
        ([], Outcome.SKIPPED, "Nothing was tested."),
    ],
)  # fmt: skip
def test_the_verdict_is_a_sentence(tests: list[CaseResult], worst: Outcome, sentence: str) -> None:
    assert page.verdict(run(*tests))[:2] == (worst, sentence)


def test_what_else_there_is_to_know_follows_it() -> None:
    absent = (DeviceFacts("camera", state="absent"), DeviceFacts("disk", state="absent"))
    assert page.verdict(run(PASSED, TROUBLE, FLAKY, OUT, devices=absent))[2] == [
        "The rig failed in 1 test, which says nothing of the devices.",
        "1 test passed only after a power-cycle.",
        "camera and disk were absent.",
        "1 test of stick was left out for too many failures.",
    ]


def test_a_run_that_broke_off_is_not_well() -> None:
    night = run(PASSED)
    night.unfinished = 12
    worst, _, more = page.verdict(night)
    assert worst is Outcome.INFRASTRUCTURE
    assert more == ["The run broke off: 12 tests did not have a turn."]


def test_a_run_that_was_interrupted_says_so_with_and_without_results() -> None:
    for tests, sentence in (
        ((), "The run was interrupted before its first result."),
        ((SKIPPED,), "The run was interrupted before its first result."),
        ((PASSED,), "The one test that ran passed on 1 device."),
    ):
        night = run(*tests)
        night.interrupted = True
        assert page.verdict(night) == (Outcome.INFRASTRUCTURE, sentence, ["The run broke off."])


def test_the_matrix_has_every_device_of_the_rig_and_the_rig_itself() -> None:
    traits, rows = page.matrix(a_night())
    assert traits == ["any", "audio", "serial-loopback", "source-sink", "storage"]
    assert [row.name for row in rows] == ["stick", "uart", "headset", "zero", "camera", "the rig itself"]
    uart = rows[1].cells["serial-loopback"]
    assert uart.worst is Outcome.FAILED
    assert list(uart.counts) == [Outcome.FAILED, Outcome.FLAKY, Outcome.PASSED, Outcome.SKIPPED]
    assert rows[4].cells == {}
    assert sum(len(row.tests) for row in rows) == len(a_night().tests)


def test_skipped_tests_are_grouped_by_reason_the_most_frequent_first() -> None:
    groups = page.reasons([case(Outcome.SKIPPED, message=each) for each in "abb"], Outcome.SKIPPED)
    assert [(reason, len(tests)) for reason, tests in groups] == [("b", 2), ("a", 1)]


def test_the_slowest_come_first_and_what_took_no_time_does_not_come() -> None:
    tests = [case(Outcome.PASSED, name=f"test_{seconds}") for seconds in range(5)]
    for seconds, test in enumerate(tests):
        test.seconds = seconds
    assert [test.seconds for test in page.slowest(tests, 3)] == [4, 3, 2]
    assert len(page.slowest(tests)) == 4


def failing(name: str, message: str, where: str = "", device: str = "stick") -> CaseResult:
    test = case(Outcome.FAILED, device, message, name)
    test.where = where
    return test


def test_what_has_a_part_or_a_message_in_common_is_one_cause_and_the_first_comes_first() -> None:
    tests = [
        failing("a", "transfer 6: byte 4095 is another", "the host part"),
        failing("b", "12 of 16 pieces", "the host part"),
        failing("c", "stick: 3 of 0x10 differ"), failing("d", "uart: 77 of 0x4 differ", device="uart"),
        failing("e", "something else"),
        case(Outcome.INFRASTRUCTURE, message="guest: it is gone: it died during `ls`"),
        case(Outcome.INFRASTRUCTURE, "uart", "guest: it is gone: Broken pipe"),
    ]  # fmt: skip
    found = page.causes(run(*tests))
    assert [(each.outcome.value, len(each.tests)) for each in found] == [
        ("failed", 2), ("failed", 2), ("failed", 1), ("infrastructure", 2),
    ]  # fmt: skip
    assert found[1].devices == ["stick", "uart"]
    assert found[0].first is tests[0]


def test_a_comparison_is_a_row_a_part_or_one_row_of_all() -> None:
    assert page.compared(Comparison("x", 'a: 1\nb[0]: "y: z"', "a: 2\nb[0]: (absent)")) == [
        ("a", "1", "2"), ("b[0]", '"y: z"', "(absent)"),
    ]  # fmt: skip
    named = Comparison("x", 'usbtest: 9 chapter 9.seen: ""\nn: 10', 'usbtest: 9 chapter 9.seen: "a: b"\nn: 11')
    assert page.compared(named) == [("usbtest: 9 chapter 9.seen", '""', '"a: b"'), ("n", "10", "11")]
    assert page.compared(Comparison("x", "5a1f", "91bb")) == [("", "5a1f", "91bb")]
    assert page.compared(Comparison("x", "", "")) == [("", "", "")]
