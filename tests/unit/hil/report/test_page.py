from __future__ import annotations

import pytest

from hil.report import page
from hil.report.results import CaseResult, DeviceFacts, Outcome, Results, RigFacts
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
        ([PASSED], Outcome.PASSED, "All 1 test that ran passed on 1 device."),
        ([PASSED, case(Outcome.PASSED, "uart"), SKIPPED], Outcome.PASSED, "All 2 tests that ran passed on 2 devices."),
        ([PASSED, FAILED, TROUBLE], Outcome.FAILED, "1 of 2 tests failed, on stick."),
        ([FAILED, case(Outcome.FAILED, "uart"), case(Outcome.FAILED, None)], Outcome.FAILED,
         "3 of 3 tests failed, on stick, uart and the rig itself."),
        ([PASSED, TROUBLE], Outcome.INFRASTRUCTURE, "All 1 test that ran passed on 1 device."),
        ([FLAKY], Outcome.FLAKY, "All 1 test that ran passed on 1 device."),
        ([TROUBLE], Outcome.INFRASTRUCTURE, "Nothing was tested."),
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
        "stick is in quarantine.",
    ]


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


@pytest.mark.parametrize(
    ("command", "again"),
    [
        ("pytest hil/suite --rig r.toml", "pytest --rig r.toml 'hil/suite/test_x.py::test_a[stick]'"),
        ("pytest hil/suite/", "pytest 'hil/suite/test_x.py::test_a[stick]'"),
        ("pytest hil/suite/test_x.py --dut stick", "pytest --dut stick 'hil/suite/test_x.py::test_a[stick]'"),
        (
            "pytest hil/suite/test_y.py -q a/b.py --results /tmp/x -c a/b.ini",
            "pytest -q --results /tmp/x -c a/b.ini 'hil/suite/test_x.py::test_a[stick]'",
        ),
        ("", "pytest 'hil/suite/test_x.py::test_a[stick]'"),
    ],
)
def test_the_run_is_repeated_for_one_test_alone(command: str, again: str) -> None:
    assert page.next_steps(FAILED, run(command=command), {})[0].command == again


def test_what_to_do_next_depends_on_the_outcome_and_on_what_was_kept() -> None:
    def commands(test: CaseResult, **held: str) -> list[str]:
        files = {name.replace("_", "."): path for name, path in held.items()}
        return [step.command for step in page.next_steps(test, run(), files)[1:]]

    assert commands(FAILED) == []
    assert commands(TROUBLE) == ["python -m hil doctor"]
    assert commands(OUT) == ["python -m hil release stick"]
    assert commands(FAILED, capture_pcapng="a b/c.pcapng") == [
        "wireshark 'a b/c.pcapng'",
        "wslusb replay 'a b/c.pcapng'",
        "wslusb replay --to-test tests/regression 'a b/c.pcapng'",
    ]
    assert commands(FAILED, capture_pcapng="c", regression="r") == ["wireshark c", "pytest r", "wslusb replay c"]
