from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from emulator import device_provider
from emulator.switches import VARIABLE
from tests.support.waiting import until


def test_a_file_pulls_a_device_out_and_its_end_puts_it_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with contextlib.closing(device_provider("loopback,keyboard")) as provider:
        before = provider.devices()[1].generation
        (tmp_path / "9-2").touch()
        until(lambda: [info.busid for info in provider.devices()] == ["9-1"], "the port is switched")
        (tmp_path / "9-2").unlink()
        until(lambda: [info.busid for info in provider.devices()] == ["9-1", "9-2"], "the port is switched")
        assert provider.devices()[1].generation == before + 1


def test_files_that_are_no_ports_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    for name in ("9-7", "x-y", "9-1.swp"):
        (tmp_path / name).touch()
    with contextlib.closing(device_provider("loopback")) as provider:
        (tmp_path / "9-1").touch()
        until(lambda: not provider.devices(), "the port is switched")


def test_without_the_variable_nobody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    provider = device_provider("loopback")
    assert provider._switches is None
