"""list, bind and unbind on a host, with and without a running service."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from wslusb.control.messages import Json
from wslusb.errors import LocalError, LocalReason


def listed(machine: Any) -> Json:
    result = machine.run("list", "--json")
    assert result.exit_code == 0, result.output
    answer: Json = json.loads(result.stdout)
    return answer


def test_list_without_a_service(machine: Any) -> None:
    result = machine.run("list")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "BUSID  VID:PID    DEVICE      STATE",
        "1-1    46f4:0001  QEMU Stick  Not shared",
        "1-2    0627:0001  マウス      Not shared",
    ]


def test_list_verbose(machine: Any) -> None:
    machine.run("bind", "1-1")
    machine.devices.pop(0)
    out = machine.run("list", "--verbose").stdout
    assert r"usbhid" in out
    assert r"USB\VID_0627&PID_0001\pci-usbv2-2" in out
    assert "Shared, but not plugged in:" in out
    assert r"USB\VID_46F4&PID_0001\SN77" in out


def test_list_json(machine: Any) -> None:
    answer = listed(machine)
    assert (answer["schema"], answer["source"], answer["unplugged"]) == ("wslusb.list/1", "direct", [])
    stick = answer["devices"][0]
    assert stick["busid"] == "1-1"
    assert stick["drivers"] == ["usb-storage"]
    assert stick["state"] == "not_shared"
    assert set(stick) == {
        "busid", "hardware_id", "instance_id", "description", "manufacturer", "product", "serial", "port_path",
        "speed", "class", "generation", "state", "owner", "drivers",
    }  # fmt: skip


def test_an_empty_list_says_so_on_stderr(machine: Any) -> None:
    machine.devices.clear()
    result = machine.run("list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "wslusb: info: no USB devices are plugged in.\n"


@pytest.mark.parametrize(
    "name", [["1-1"], ["46F4:0001"], ["SN77"], ["usb\\vid_46f4&pid_0001\\SN77"], ["-b", "1-1"], ["-i", "46f4:0001"]]
)
def test_bind_and_unbind_by_any_name(machine: Any, name: list[str]) -> None:
    result = machine.run("bind", *name)
    assert result.exit_code == 0
    assert "wslusb: info: device 1-1 (46f4:0001 QEMU Stick) is shared.\n" in result.stderr
    assert [device["state"] for device in listed(machine)["devices"]] == ["shared", "not_shared"]
    again = machine.run("bind", *name)
    assert (again.exit_code, "is shared already" in again.stderr) == (0, True)
    assert machine.run("unbind", *name).exit_code == 0
    assert [device["state"] for device in listed(machine)["devices"]] == ["not_shared"] * 2
    never = machine.run("unbind", *name)
    assert (never.exit_code, "is not shared" in never.stderr) == (0, True)


@pytest.mark.parametrize("name", ["46f4:0001", "SN77", "USB\\VID_46F4&PID_0001\\SN77", "--all"])
def test_an_unplugged_device_can_be_unbound(machine: Any, name: str) -> None:
    machine.run("bind", "1-1")
    machine.devices.pop(0)
    assert [device["serial"] for device in listed(machine)["unplugged"]] == ["SN77"]
    assert machine.run("unbind", name).exit_code == 0
    assert listed(machine)["unplugged"] == []


def test_unbind_all_when_there_is_nothing(machine: Any) -> None:
    result = machine.run("unbind", "--all")
    assert (result.exit_code, result.stderr) == (0, "wslusb: info: no device is shared.\n")


def test_an_unknown_device(machine: Any) -> None:
    result = machine.run("bind", "9-9")
    assert result.exit_code == 1
    assert result.stderr == "wslusb: error: no device is called '9-9'.\nwslusb: hint: run 'wslusb list' to see them.\n"


def test_an_ambiguous_name_lists_the_matches(machine: Any) -> None:
    machine.devices *= 2
    result = machine.run("bind", "46f4:0001")
    assert result.exit_code == 1
    assert result.stderr.count("1-1 (46f4:0001 SN77)") == 2


@pytest.mark.parametrize("arguments", [["-i", "nonsense"], ["-b", "1-1", "SN77"], [""]])
def test_names_that_are_none(machine: Any, arguments: list[str]) -> None:
    assert machine.run("bind", *arguments).exit_code == 2


def test_permission_denied(machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "fsync", denied)
    result = machine.run("bind", "1-1")
    assert result.exit_code == 3
    assert "wslusb: hint: use sudo.\n" in result.stderr


def test_the_service_is_asked_where_it_runs(machine: Any) -> None:
    device = {"busid": "7-7", "hardware_id": "1111:2222", "description": "Thing", "instance_id": "X"}
    machine.listen("service", lambda _request: {"device": device, "changed": True})
    result = machine.run("bind", "thing")
    assert "device 7-7 (1111:2222 Thing) is shared" in result.stderr
    assert machine.requests == [{"op": "bind", "device": "thing"}]
    assert not (machine.folder / "state").exists()


def test_a_guest_cannot_share(machine: Any) -> None:
    def refuse(_request: Json) -> Json:
        raise LocalError(LocalReason.UNSUPPORTED, "only the host can share a device", hint="run it on the host")

    machine.listen("agent", refuse)
    result = machine.run("bind", "1-1")
    assert (result.exit_code, result.stderr.splitlines()[0]) == (1, "wslusb: error: only the host can share a device.")


def test_a_service_that_may_not_be_asked(machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: Path) -> bool:
        raise LocalError(LocalReason.ACCESS_DENIED, f"no permission for {path}", hint="use sudo")

    monkeypatch.setattr("wslusb.control.client.listening", denied)
    assert machine.run("bind", "1-1").exit_code == 3
    result = machine.run("list")
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 3)
    assert "wslusb: warning: the service belongs to root" in result.stderr


def test_a_damaged_file_of_bindings(machine: Any) -> None:
    (machine.folder / "state").mkdir()
    (machine.folder / "state/bindings.json").write_text("{")
    result = machine.run("list")
    assert (result.exit_code, "is damaged" in result.stderr) == (1, True)
