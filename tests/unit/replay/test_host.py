"""wslusb.replay.host: a capture's requests sent to a device; and the regression test that is made of that."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hil.vm.machine import PROJECT
from tests.integration.device_bench import Bench
from tests.integration.test_device_contract_emulator import ECHO
from tests.support.recording import recorded
from wslusb.device.registry import load_provider
from wslusb.errors import LocalError
from wslusb.replay.host import ReplayHost
from wslusb.replay.pace import RECORDED
from wslusb.replay.reading import read
from wslusb.replay.regression import write
from wslusb.replay.story import Story


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """Descriptors, a question and its answer, a read that is taken back."""
    device = recorded(tmp_path / "bug report.pcapng")
    bench = Bench(device)
    bench.use(ECHO)
    reader = bench.read(ECHO, 512)
    bench.write(ECHO, b"first").wait()
    reader.wait()
    device.cancel(bench.read(ECHO, 512).urb)
    device.close()
    return tmp_path / "bug report.pcapng"


def play(story: Story, spec: str, host: ReplayHost | None = None) -> list[str]:
    provider = load_provider(spec)
    device = provider.open(next(iter(provider.devices())))
    try:
        return (host or ReplayHost(story, patience=0.05)).play(device).report()
    finally:
        device.close()


def test_the_same_device_answers_the_same(capture: Path) -> None:
    assert play(read(capture), "emulator:loopback") == []


def test_another_device_differs_readably(capture: Path) -> None:
    lines = play(read(capture), "emulator:keyboard")
    assert lines[0] == "packet 2: another answer from byte 4 to packet 1: control IN, setup 80 06 00 01 00 00 12 00"
    assert lines[1].startswith("  - OK, 12 01 00 02 ff")
    assert lines[2].startswith("  + OK, 12 01 00 02 00")


def test_a_device_that_does_not_answer_is_no_hang(capture: Path) -> None:
    story = read(capture)
    story.exchanges = [each for each in story.exchanges if each.request.data != b"first"]
    lines = play(story, "emulator:loopback")
    assert "the device does not answer to packet" in lines[0]
    assert lines[1:3] == ["  - OK, 66 69 72 73 74", "  + nothing in 0.05 s"]


def test_at_its_own_pace_the_host_pauses_as_long_as_the_captured_one(capture: Path) -> None:
    pauses: list[float] = []
    story = read(capture)
    assert play(story, "emulator:loopback", ReplayHost(story, pace=RECORDED, pause=pauses.append)) == []
    ends = [each.answer.time for each in story.exchanges if each.answer]
    assert sum(pauses) == pytest.approx((max(ends) - story.exchanges[0].request.time) / 1e9)


def run(test: Path, device: str) -> int:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={test.parent}", str(test)]
    environment = {"WSLUSB_TEST_DEVICE": device, "PYTHONPATH": str(PROJECT)}
    return subprocess.run(command, env=environment, check=False, capture_output=True, cwd=test.parent).returncode


def test_a_regression_test_fails_before_and_passes_after(capture: Path, tmp_path: Path) -> None:
    test = write(capture, read(capture), tmp_path / "out")
    assert sorted(each.name for each in test.parent.iterdir()) == ["bug_report.pcapng", "test_bug_report.py"]
    assert run(test, "emulator:keyboard") == 1
    assert run(test, "emulator:loopback") == 0


def test_a_capture_of_the_fault_itself_wants_other_answers(capture: Path, tmp_path: Path) -> None:
    story = read(capture)
    number = next(each.answer_number for each in story.exchanges if each.answer and each.answer.data == b"first")
    test = write(capture, story, tmp_path / "out", {number})
    assert run(test, "emulator:loopback") == 1
    assert f"WRONG = {{{number}}}" in test.read_text()


def test_a_test_that_is_there_is_left_as_it_is(capture: Path, tmp_path: Path) -> None:
    test = write(capture, read(capture), tmp_path / "out")
    test.write_text("mine")
    with pytest.raises(LocalError, match=r"test_bug_report\.py is there already"):
        write(capture, read(capture), tmp_path / "out")
    assert test.read_text() == "mine"


def test_a_test_may_be_written_beside_its_capture(capture: Path) -> None:
    assert write(capture, read(capture), capture.parent).exists()


def test_what_is_wrong_has_to_be_an_answer(capture: Path, tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"packet 1 is no answer of 1\.4") as caught:
        write(capture, read(capture), tmp_path / "out", {1})
    assert caught.value.hint == "packet 2 is the answer to it"
    with pytest.raises(LocalError, match="packet 4000 is no answer"):
        write(capture, read(capture), tmp_path / "out", {2, 4000})
    assert not (tmp_path / "out").exists()
