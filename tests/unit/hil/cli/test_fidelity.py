from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hil.cli.fidelity import command
from hil.cli.program import VERBS
from tests.support.recording import recorded
from tests.support.rig_results import a_night
from wslusb.cli.output import ExitCode
from wslusb.device import sync
from wslusb.usb.setup import Setup


def capture(path: Path, spec: str) -> Path:
    device = recorded(path, spec)
    sync.control(device, Setup(0x80, 6, 0x0302, 0x0409, 255))
    sync.control(device, Setup(0x80, 0, 0, 0, 2))
    device.close()
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(each) for each in arguments], catch_exceptions=False, standalone_mode=False)


@pytest.fixture
def captures(tmp_path: Path) -> tuple[Path, Path]:
    return (
        capture(tmp_path / "a.pcapng", "emulator:keyboard"),
        capture(tmp_path / "b.pcapng", "emulator:mouse"),
    )


def test_a_device_is_true_to_itself(tmp_path: Path, captures: tuple[Path, Path]) -> None:
    done = run(captures[0], capture(tmp_path / "again.pcapng", "emulator:keyboard"))
    assert done.return_value == ExitCode.SUCCESS
    assert "did what the real one did" in done.output


def test_another_device_is_not(captures: tuple[Path, Path]) -> None:
    done = run(*captures)
    assert done.return_value == ExitCode.DIVERGED
    assert "difference: GET_DESCRIPTOR(device): another answer from byte 10 (idProduct)\n" in done.output
    assert '  - 18 bytes: "Keyboard" 12 03 4b 00' in done.output
    assert "difference: GET_DESCRIPTOR(string 2): another answer from byte" in done.output


@pytest.mark.parametrize("suffix", [".html", ".json"])
def test_it_is_written_as_a_page_or_for_programs(tmp_path: Path, captures: tuple[Path, Path], suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    assert run(*captures, "-o", path).return_value == ExitCode.DIVERGED
    text = path.read_text()
    if suffix == ".json":
        assert json.loads(text)["differences"] > 0
    else:
        assert text.startswith("<!doctype html>")
        assert "Differences" in text


def test_another_ending_is_refused(tmp_path: Path, captures: tuple[Path, Path]) -> None:
    with pytest.raises(Exception, match=r"neither in \.html nor in \.json"):
        run(*captures, "-o", tmp_path / "out.pdf")


SAMPLE = Path(__file__).parents[3] / "samples" / "usbmon.pcap"


@pytest.mark.parametrize(
    ("names", "code"),
    [(["1.4"], ExitCode.SUCCESS), (["1.4", "1.4"], ExitCode.SUCCESS), (["1.4", "1.5"], ExitCode.DIVERGED)],
)
def test_devices_of_a_capture_are_chosen(names: list[str], code: ExitCode) -> None:
    chosen = [word for name in names for word in ("--device", name)]
    assert run(SAMPLE, SAMPLE, *chosen).return_value == code


def test_runs_are_compared_too(tmp_path: Path) -> None:
    one, other = (a_night().write(tmp_path / name) for name in ("a.json", "b.json"))
    assert run(one, other).return_value == ExitCode.SUCCESS


def test_the_verbs_are_in_the_program() -> None:
    assert {"report", "fidelity"} <= set(VERBS)
