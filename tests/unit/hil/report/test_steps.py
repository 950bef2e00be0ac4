"""hil.report.steps: the commands that a reader of the page goes on with."""

from __future__ import annotations

import pytest

from hil.report.events import Timeline, UrbLine
from hil.report.flights import Stage
from hil.report.results import CaseResult, DeviceFacts, Outcome, Results, RigFacts
from hil.report.steps import next_steps


def case(outcome: Outcome) -> CaseResult:
    return CaseResult("hil/suite/test_x.py::test_a[stick]", outcome, device="stick")


def run(command: str = "pytest hil/suite --rig r.toml", state: str = "present") -> Results:
    return Results(RigFacts("r", "real"), "2026", command=command.split(), devices=[DeviceFacts("stick", state=state)])


FAILED, TROUBLE, OUT = case(Outcome.FAILED), case(Outcome.INFRASTRUCTURE), case(Outcome.QUARANTINED)
AGAIN = "--results hil-again 'hil/suite/test_x.py::test_a[stick]'"


@pytest.mark.parametrize(
    ("command", "again"),
    [
        ("pytest hil/suite --rig r.toml", f"pytest --rig r.toml {AGAIN}"),
        ("pytest hil/suite/", f"pytest {AGAIN}"),
        ("pytest hil/suite/test_x.py --dut stick", f"pytest --dut stick {AGAIN}"),
        ("pytest hil/suite/test_y.py -q a/b.py --rig /tmp/x -c a/b.ini", f"pytest -q --rig /tmp/x -c a/b.ini {AGAIN}"),
        ("pytest --results /tmp/night --against=old.json -k disk", f"pytest {AGAIN}"),
        ("pytest --dut uart --destructive uart --dut stick --destructive stick --effort 2",
         f"pytest --dut stick --destructive stick --effort 2 {AGAIN}"),
        ("nox -s hil -- --backend qemu hil/suite", f"nox -s hil -- --backend qemu {AGAIN}"),
        ("", f"pytest {AGAIN}"),
    ],
)  # fmt: skip
def test_the_run_is_repeated_for_one_test_alone_and_the_report_stays(command: str, again: str) -> None:
    assert next_steps(FAILED, run(command), {})[0].command == again


def test_what_to_do_next_depends_on_the_outcome_and_on_what_was_kept() -> None:
    def commands(test: CaseResult, state: str = "present", **held: str) -> list[str]:
        files = {name.replace("_", "."): path for name, path in held.items()}
        return [step.command for step in next_steps(test, run(state=state), files)[1:]]

    assert commands(FAILED) == []
    assert commands(TROUBLE) == ["python -m hil doctor"]
    assert commands(OUT, "quarantined") == ["python -m hil release stick"]
    assert commands(OUT) == [], "it failed often in this run alone"
    assert commands(FAILED, capture_pcapng="a b/c.pcapng") == [
        "wslusb replay 'a b/c.pcapng'",
        "wslusb replay --to-test tests/regressions 'a b/c.pcapng'",
        "wslusb redact 'a b/c.pcapng' for-the-issue.pcapng",
    ]
    assert commands(FAILED, capture_pcapng="c", regression="r", faults_jsonl="f") == [
        "pytest r", "wslusb serve --faults f", "wslusb replay c", "wslusb redact c for-the-issue.pcapng",
    ]  # fmt: skip


def test_wireshark_is_asked_for_the_one_urb_that_has_this_number_at_that_time() -> None:
    urb = UrbLine("bulk IN 0x81, 4 bytes", 16, {Stage.ASKED: -2.5, Stage.ANSWERED: -2.0})
    steps = next_steps(FAILED, run(), {"capture.pcapng": "c"}, Timeline(10**18, urbs=[urb], suspect=0))
    (command,) = [step.command for step in steps if step.command.startswith("wireshark")]
    low, high = "frame.time_epoch > 999999997.499", "frame.time_epoch < 999999998.001"
    assert command == f"wireshark c -Y 'usb.urb_id == 16 && {low} && {high}'"
    unsent = Timeline(1, urbs=[UrbLine("x", 16, {Stage.SUBMITTED: -1.0})], suspect=0)
    assert not [each for each in next_steps(FAILED, run(), {"capture.pcapng": "c"}, unsent) if "Wire" in each.what]
