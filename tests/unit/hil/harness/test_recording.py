from __future__ import annotations

from pathlib import Path

import pytest

from hil.harness.recording import Recorder
from hil.report.results import Outcome, Results
from tests.support.rig_results import a_night


def report_of(recorder: Recorder, night: Results, place: int) -> None:
    """One test's last report, as a worker sends it."""
    test = night.tests[place]
    report = pytest.TestReport(test.id, ("", 0, ""), {}, "passed", None, "teardown")
    Recorder.attach(
        report, test, [each for each in night.devices if each.name == test.device], {"host": {"kernel": "6"}}
    )
    recorder.take(report)


def test_results_come_through_reports_whole(tmp_path: Path) -> None:
    night, recorder = a_night(), Recorder(None, "real", tmp_path)
    for place in range(len(night.tests)):
        report_of(recorder, night, place)
    page = recorder.write()
    assert page.read_text().startswith("<!doctype html>")
    read = Results.read(tmp_path / "results.json")
    assert read.tests == night.tests
    assert any(test.comparison for test in read.tests)
    assert [each.name for each in read.devices] == ["stick", "uart", "headset", "zero"]
    assert read.rig.host == {"kernel": "6"}
    assert read.summary[Outcome.FAILED] == 3
    assert (tmp_path / "junit.xml").exists()


def test_the_results_that_lie_in_the_folder_are_the_run_before(tmp_path: Path) -> None:
    night = a_night()
    for _ in range(2):
        recorder = Recorder(None, "real", tmp_path)
        recorder.begin()
        for place in range(len(night.tests)):
            report_of(recorder, night, place)
        recorder.write()
    read = Results.read(tmp_path / "results.json")
    assert read.before is not None
    assert [test.before for test in read.tests] == [test.outcome for test in night.tests]


def test_what_several_tests_note_of_a_device_is_kept_once(tmp_path: Path) -> None:
    night, recorder = a_night(), Recorder(None, "real", tmp_path)
    stick = night.devices[0]
    for notes in (["it is old"], [], ["it is old", "it is slow"]):
        stick.notes = notes
        report_of(recorder, night, 0)
    assert recorder.devices["stick"].notes == ["it is old", "it is slow"]


def test_a_run_that_is_killed_leaves_word_that_it_did_not_end(tmp_path: Path) -> None:
    Recorder(None, "real", tmp_path).begin()
    read = Results.read(tmp_path / "results.json")
    assert read.interrupted
    assert read.tests == []


@pytest.mark.parametrize(
    ("session", "start"), [("hil", ["nox", "-s", "hil", "--", "--dut"]), ("", ["pytest", "--dut"])]
)
def test_the_command_is_the_one_that_was_typed(monkeypatch: pytest.MonkeyPatch, session: str, start: list[str]) -> None:
    monkeypatch.setenv("NOX_CURRENT_SESSION", session)
    monkeypatch.setattr("sys.argv", ["pytest", *(["--timeout=600"] if session else []), "--dut", "stick"])
    assert Recorder(None, "real", Path("results")).results().command == [*start, "stick"]
