"""``wslusb replay``: what it prints, and the exit code that says that a replay and its capture parted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.device_bench import Bench
from tests.support import samples
from tests.support.recording import recorded
from tests.unit.cli.conftest import Machine
from wslusb.device.registry import load_provider
from wslusb.errors import LocalError
from wslusb.replay.device import Mode
from wslusb.replay.provider import Options


@pytest.fixture
def capture(tmp_path: Path) -> str:
    device = recorded(tmp_path / "bug.pcapng")
    Bench(device).descriptor(1, 18)
    device.close()
    return str(tmp_path / "bug.pcapng")


def test_as_a_host_it_says_whether_the_device_answers_the_same(machine: Machine, capture: str) -> None:
    same = machine.run("replay", capture, "--as-host", "emulator:loopback")
    assert (same.exit_code, same.output) == (0, "wslusb: info: 4 URBs of 1.4: no divergence.\n")
    other = machine.run("replay", capture, "--as-host", "emulator:keyboard")
    assert other.exit_code == 5
    assert "packet 2: another answer from byte 4 to packet 1" in other.output
    assert other.output.endswith("wslusb: error: 4 URBs of 1.4: 4 divergences.\n")


def test_a_test_is_written(machine: Machine, capture: str, tmp_path: Path) -> None:
    result = machine.run("replay", capture, "--to-test", str(tmp_path / "t"), "--wrong", "2")
    assert (result.exit_code, result.output) == (0, f"{tmp_path}/t/test_bug.py\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--wrong", "2"], "--wrong with --to-test"),
        (["--target", "x"], "--target goes with --as-host"),
        (["--as-host", "a", "--to-test", "b"], "do not go together"),
        (["--clock", "soon"], "'soon' is not asap, recorded or a factor like 0.1x"),
        (["--ignore", "7", "--as-host", "emulator:loopback"], "'7' is not ENDPOINT:FIRST-LAST"),
    ],
)
def test_what_does_not_fit_is_wrong_usage(machine: Machine, capture: str, arguments: list[str], message: str) -> None:
    result = machine.run("replay", capture, *arguments)
    assert result.exit_code == 2
    assert message in result.output


def test_several_devices_are_listed(machine: Machine) -> None:
    result = machine.run("replay", str(samples.CAPTURE), "--as-host", "emulator:loopback")
    assert result.exit_code == 1
    assert "has several devices: " in result.output
    assert "--device 1.4" in result.output


def test_a_provider_of_captures_takes_its_options_in_its_name() -> None:
    options = Options.parse("bug.pcapng,device=1.4,mode=keyed,clock=0.5x,ignore=0x02:4-7,ignore=0x81:0")
    assert (options.file, options.device, options.mode) == (Path("bug.pcapng"), "1.4", Mode.KEYED)
    assert (options.pace.factor, options.ignore) == (0.5, ("0x02:4-7", "0x81:0"))
    for wrong in ("", "f,mode=free", "f,x=1", "f,device"):
        with pytest.raises(LocalError):
            Options.parse(wrong)
    provider = load_provider(f"replay:{samples.CAPTURE},device=1.3")
    (info,) = provider.devices()
    assert (info.busid, info.hardware_id) == ("8-1", "1d6b:0105")


def test_a_file_s_name_may_have_commas_in_it(tmp_path: Path) -> None:
    path = tmp_path / "set fan, then pump,mode=quiet.pcap"
    path.touch()
    assert Options.parse(f"{path},mode=strict").file == path
    assert Options.parse(f"{path},mode=strict").mode == Mode.STRICT


def test_a_capture_without_descriptors_is_no_device() -> None:
    with pytest.raises(LocalError, match="the capture lacks the device descriptor"):
        load_provider(f"replay:{samples.CAPTURE},device=1.1")
