"""Two runs of the suite against each other."""

from __future__ import annotations

from pathlib import Path

from hil.report.fidelity import Fidelity, Verdict, compare_runs
from hil.report.results import Outcome, Results
from tests.support.recording import recorded
from tests.support.rig_results import a_night
from wslusb.device import sync
from wslusb.usb.setup import Setup

_DEVICE = """
[device]
vendor = 0x1209
product = 0x0001

[[configurations]]
[[configurations.interfaces]]

[[control]]
request_type = "vendor device in"
request = 1
answer = {{ hex = "{answer}" }}
"""


def _compared(folder: Path, real: Results, emulated: Results) -> Fidelity:
    paths = [folder / "real/results.json", folder / "emulated/results.json"]
    for path, run in zip(paths, (real, emulated), strict=True):
        path.parent.mkdir(exist_ok=True)
        run.write(path)
    return compare_runs(*paths)


def _where(result: Fidelity, verdict: Verdict) -> list[str]:
    return [each.where.rpartition("::")[2] for each in result.of(verdict)]


def test_runs_are_compared_by_their_tests(tmp_path: Path) -> None:
    real, emulated = a_night(), a_night()
    by_name = {test.name: test for test in emulated.tests}
    by_name["test_drift[headset]"].outcome = Outcome.PASSED
    by_name["test_standard_requests[uart]"].outcome = Outcome.FAILED
    by_name["test_standard_requests[uart]"].message = "another answer"
    result = _compared(tmp_path, real, emulated)
    (different,) = result.of(Verdict.DIFFERENCE)
    assert different.where.endswith("test_standard_requests[uart]")
    assert (different.real, different.emulated) == ("passed", "failed: another answer")
    assert _where(result, Verdict.NOT_ASKED) == ["test_drift[headset]"]


def test_a_device_that_one_run_has_alone_is_told_once(tmp_path: Path) -> None:
    real, emulated = a_night(), a_night()
    emulated.tests = [test for test in emulated.tests if test.device != "uart"]
    assert _where(_compared(tmp_path, real, emulated), Verdict.NOT_ASKED) == ["uart, in 6 tests"]


def _captured(folder: Path, run: Results, answer: str, *names: str) -> Results:
    """A run of tests that have asked a device for one thing, and kept it."""
    folder.mkdir()
    scenario = folder / "device.toml"
    scenario.write_text(_DEVICE.format(answer=answer))
    for number, name in enumerate(names):
        device = recorded(folder / f"{number}.pcapng", f"emulator:{scenario}")
        sync.control(device, Setup(0xC0, 1, 0, 0, 2))
        device.close()
        (test,) = (each for each in run.tests if each.name == name)
        test.capture = f"{number}.pcapng"
    return run


def test_what_a_device_answered_in_many_tests_is_one_finding(tmp_path: Path) -> None:
    names = [test.name for test in a_night().tests if test.device == "uart" and test.outcome is Outcome.PASSED][:2]
    assert len(names) == 2
    real = _captured(tmp_path / "real", a_night(), "0102", *names)
    emulated = _captured(tmp_path / "emulated", a_night(), "0103", *names)
    result = _compared(tmp_path, real, emulated)
    (different,) = result.of(Verdict.DIFFERENCE)
    assert different.where.startswith("uart: ")
    assert different.what.endswith(f", in {min(names)} and 1 more")
    assert (different.real, different.emulated) == ("OK, 01 02", "OK, 01 03")
    assert any(where.startswith("uart: GET_DESCRIPTOR(device)") for where in _where(result, Verdict.SAME))


def test_a_capture_that_is_gone_is_not_compared(tmp_path: Path) -> None:
    real, emulated = a_night(), a_night()
    real.tests[0].capture = emulated.tests[0].capture = "gone.pcapng"
    assert _compared(tmp_path, real, emulated).differences == 0
