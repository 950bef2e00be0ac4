"""``wslusb describe``: where a device is looked for, in which order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wslusb.control.messages import Json
from wslusb.errors import LocalError, LocalReason


@pytest.fixture
def described(machine: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The busids of this system that were described beside their drivers."""
    seen: list[str] = []
    monkeypatch.setattr(
        "wslusb.device.describe_open.describe_beside_its_drivers", lambda host: seen.append(host.info.busid)
    )
    monkeypatch.setattr("wslusb.device.describe_text.to_toml", lambda _found: "text\n")
    return seen


@pytest.mark.parametrize("name", ["1-1", "46f4:0001", "SN77"])
def test_a_device_of_this_system_by_any_name(machine: Any, described: list[str], name: str) -> None:
    result = machine.run("describe", name)
    assert (result.exit_code, result.stdout) == (0, "text\n")
    assert described == ["1-1"]


def test_a_file_is_written_and_said(machine: Any, described: list[str]) -> None:
    path: Path = machine.folder / "stick.toml"
    result = machine.run("describe", "1-1", "-o", str(path))
    assert (result.exit_code, result.stdout, path.read_text()) == (0, "", "text\n")
    assert "info: wrote" in result.stderr


def test_in_a_guest_the_names_of_the_host_come_first(machine: Any, described: list[str]) -> None:
    attached = {"busid": "1-1", "instance_id": "X", "guest_busid": "1-2"}

    def agent(request: Json) -> Json:
        return {"role": "agent", "attached": [attached]}

    machine.listen("agent", agent)
    assert machine.run("describe", "1-1").exit_code == 0
    assert machine.run("describe", "SN77").exit_code == 0
    assert described == ["1-2", "1-1"]


def test_a_device_that_only_the_service_has_is_described_by_it(machine: Any, described: list[str]) -> None:
    machine.listen("service", lambda request: {"role": "service", "scenario": f"# {request.get('device')}\n"})
    result = machine.run("describe", "9-1")
    assert (result.exit_code, result.stdout) == (0, "# 9-1\n")
    assert described == []


def test_what_the_service_says_is_the_error(machine: Any) -> None:
    def service(request: Json) -> Json:
        raise LocalError(LocalReason.NOT_FOUND, "no device is called '9-9'")

    machine.listen("service", service)
    result = machine.run("describe", "9-9")
    assert result.exit_code == 1
    assert "error: no device is called '9-9'." in result.stderr


def test_without_a_service_a_name_that_nothing_has_is_an_error(machine: Any) -> None:
    result = machine.run("describe", "9-9")
    assert result.exit_code == 1
    assert "no device is called '9-9'" in result.stderr


def test_a_name_is_needed(machine: Any) -> None:
    result = machine.run("describe")
    assert result.exit_code == 2
    assert "which device?" in result.stderr


def test_a_provider_with_one_device_needs_no_name(machine: Any) -> None:
    result = machine.run("describe", "--device", "emulator:loopback")
    assert result.exit_code == 0
    assert "# 0525:a4a0 wslusb emulator Loopback, written by 'wslusb describe'." in result.stdout


def test_a_provider_with_two_devices_needs_one(machine: Any) -> None:
    spec = ("--device", "emulator:loopback,storage:serial=STICK")
    result = machine.run("describe", *spec)
    assert result.exit_code == 2
    assert "has 2 devices" in result.stderr
    assert '3 = "STICK"' in machine.run("describe", *spec, "STICK").stdout


def test_a_file_where_no_folder_is_ends_with_the_next_step(machine: Any) -> None:
    path = machine.folder / "nowhere/x"
    result = machine.run("describe", "--device", "emulator:loopback", "-o", str(path))
    assert result.exit_code == 1
    assert f"hint: there is no folder {path.parent}: make it" in result.stderr
