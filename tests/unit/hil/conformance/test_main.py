"""python -m hil.conformance: what it prints, what it writes, how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hil.conformance.__main__ import main


def test_a_sound_device_ends_with_0_and_a_table(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    assert main(["emulator:keyboard", "--json", str(path)]) == 0
    said = capsys.readouterr().out
    assert "ok      device descriptor" in said
    assert "0 failed" in said
    (document,) = json.loads(path.read_text())
    assert document["id"] == "1209:0001"
    assert {row["outcome"] for row in document["suites"]["chapter9"]} == {"passed", "not applicable"}


def test_a_broken_device_ends_with_1_and_says_what_was_seen(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["emulator:awkward:how=interval-zero", "--suite", "chapter9", "--case", "intervals"]) == 1
    assert "endpoint 0x81 has bInterval 0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["emulator:nonsense"], "no virtual device is called"),
        (["emulator:keyboard,mouse"], "name one"),
        (["emulator:keyboard", "1234:5678"], "no device is called"),
    ],
)
def test_no_device_ends_with_2(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


def test_one_of_several_devices_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["emulator:keyboard,mouse", "9-2", "--suite", "chapter9", "--case", "languages"]) == 0
    assert "1 passed" in capsys.readouterr().out


def test_all_devices_can_be_tested(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["emulator:keyboard,mouse", "--all", "--suite", "chapter9", "--case", "languages"]) == 0
    assert capsys.readouterr().out.count("1 passed") == 2


def test_the_cases_can_be_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    assert "usbtest: 1 write (usbtest): Bulk writes, one at a time." in capsys.readouterr().out
