"""attach, detach and state, against a made-up service or agent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from wslusb.control.messages import Json
from wslusb.errors import LocalError, LocalReason

DEVICE = {"busid": "1-1", "hardware_id": "46f4:0001", "description": "QEMU Stick", "instance_id": "X"}


def attached(changed: bool = True, nodes: tuple[str, ...] = ("/dev/sda", "/dev/sg0")) -> Any:
    return lambda _request: {"device": DEVICE, "nodes": list(nodes), "changed": changed}


@pytest.mark.parametrize("verb", [["attach", "1-1"], ["detach", "1-1"], ["detach", "--all"]])
def test_nothing_runs(machine: Any, verb: list[str]) -> None:
    result = machine.run(*verb)
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "wslusb: error: no agent or service of wslusb is running here.",
        "wslusb: hint: run 'sudo wslusb agent' in the guest or 'sudo wslusb serve' on the host.",
    ]


def test_attach_prints_where_the_device_is(machine: Any) -> None:
    machine.listen("service", attached())
    result = machine.run("attach", "1-1", "--guest", "42", "--timeout", "3")
    assert (result.exit_code, result.stdout) == (0, "/dev/sda\n/dev/sg0\n")
    assert result.stderr == "wslusb: info: device 1-1 (46f4:0001 QEMU Stick) is attached.\n"
    assert machine.requests == [{"op": "attach", "device": "1-1", "guest": "42", "seconds": 3.0, "keep": False}]


def test_attached_already(machine: Any) -> None:
    machine.listen("agent", attached(changed=False, nodes=()))
    result = machine.run("attach", "1-1")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "is attached already." in result.stderr
    assert "programs that use libusb can open it" in result.stderr


def test_attach_json(machine: Any) -> None:
    machine.listen("agent", attached())
    answer = json.loads(machine.run("attach", "1-1", "--json").stdout)
    assert answer == {
        "schema": "wslusb.attach/1",
        "via": "agent",
        "device": DEVICE,
        "nodes": ["/dev/sda", "/dev/sg0"],
        "changed": True,
    }


def test_the_agent_comes_first(machine: Any) -> None:
    machine.listen("service", lambda _request: pytest.fail("the service was asked"))
    machine.listen("agent", attached())
    assert machine.run("attach", "1-1").exit_code == 0


def test_a_guest_is_chosen_at_the_service(machine: Any) -> None:
    machine.listen("agent", lambda _request: pytest.fail("the agent was asked"))
    machine.listen("service", attached())
    assert machine.run("attach", "1-1", "--guest", "42").exit_code == 0


def test_distribution_is_another_word_for_guest(machine: Any) -> None:
    machine.listen("service", attached())
    assert machine.run("attach", "1-1", "--distribution", "Debian", "--timeout", "3").exit_code == 0
    assert machine.requests == [{"op": "attach", "device": "1-1", "guest": "Debian", "seconds": 3.0, "keep": False}]


def test_the_agent_gets_the_time_limit(machine: Any) -> None:
    machine.listen("agent", attached())
    assert machine.run("attach", "1-1", "--timeout", "3").exit_code == 0
    assert machine.requests[0]["seconds"] == 3.0


def test_detach_from_a_guest_is_for_the_service(machine: Any) -> None:
    machine.listen("agent", lambda _request: pytest.fail("the agent was asked"))
    machine.listen("service", lambda _request: {"devices": [DEVICE], "device": DEVICE})
    assert machine.run("detach", "1-1", "--guest", "42").exit_code == 0
    assert machine.run("detach", "--all", "--distribution", "Debian").exit_code == 0
    assert machine.requests == [
        {"op": "detach", "device": "1-1", "guest": "42"},
        {"op": "detach", "all": True, "guest": "Debian"},
    ]


def test_control_says_whom_to_ask(machine: Any) -> None:
    def handler(request: Json) -> Json:
        return {"role": "service"} if request["op"] == "state" else attached()(request)

    machine.listen("other", handler)
    assert machine.run("attach", "1-1", "--control", str(machine.folder / "other.sock")).exit_code == 0
    nobody = machine.run("attach", "1-1", "--control", str(machine.folder / "nobody.sock"))
    assert (nobody.exit_code, "nothing listens at" in nobody.stderr) == (1, True)


@pytest.mark.parametrize(
    ("reason", "code", "hint"),
    [
        (LocalReason.NOT_FOUND, 1, "'wslusb bind DEVICE' on the host shares more"),
        (LocalReason.TIMEOUT, 1, "'wslusb state' tells whether it got there"),
        (LocalReason.ACCESS_DENIED, 3, ""),
        (LocalReason.REFUSED, 1, ""),
    ],
)
def test_attach_fails(machine: Any, reason: LocalReason, code: int, hint: str) -> None:
    def fail(_request: Json) -> Json:
        raise LocalError(reason, "it did not work")

    machine.listen("agent", fail)
    result = machine.run("attach", "1-1")
    assert result.exit_code == code
    assert "wslusb: error: it did not work.\n" in result.stderr
    assert hint in result.stderr


@pytest.mark.parametrize("seconds", ["0", "-1", "soon"])
def test_a_timeout_that_is_none(machine: Any, seconds: str) -> None:
    assert machine.run("attach", "1-1", "--timeout", seconds).exit_code == 2


def test_detach(machine: Any) -> None:
    machine.listen("service", lambda _request: {"devices": [DEVICE], "device": DEVICE})
    result = machine.run("detach", "1-1")
    assert (result.exit_code, "is detached." in result.stderr) == (0, True)
    answer = json.loads(machine.run("detach", "--all", "--json").stdout)
    assert answer == {"schema": "wslusb.detach/1", "via": "service", "devices": [DEVICE]}
    assert machine.requests == [{"op": "detach", "device": "1-1"}, {"op": "detach", "all": True}]


def test_detach_what_is_not_attached(machine: Any) -> None:
    machine.listen("agent", lambda _request: {"devices": [], "device": DEVICE})
    one, every = machine.run("detach", "1-1"), machine.run("detach", "-a")
    assert (one.exit_code, every.exit_code) == (0, 0)
    assert one.stderr == "wslusb: info: device 1-1 (46f4:0001 QEMU Stick) is not attached.\n"
    assert every.stderr == "wslusb: info: no device is attached.\n"


def test_state_of_nothing(machine: Any) -> None:
    assert machine.run("state").stdout == "service: not running\nagent: not running\n"
    answer = json.loads(machine.run("state", "--json").stdout)
    assert (answer["schema"], answer["service"], answer["agent"]) == ("wslusb.state/1", None, None)


def test_state(machine: Any) -> None:
    guest = {"name": "wslusb 9 (vm)", "peer": "CID 42", "agent": True, "attached": {"1-1": ["/dev/sda"]}}
    device = {**DEVICE, "state": "attached", "owner": "CID 42"}
    service = {"role": "service", "version": "9", "listening": ["vsock:"], "guests": [guest], "devices": [device]}
    port = {**DEVICE, "port": 8, "nodes": ["/dev/ttyACM0"]}
    agent = {
        "role": "agent",
        "version": "9",
        "host": "vsock:2",
        "connected": False,
        "host_name": "",
        "attached": [port],
    }
    machine.listen("service", lambda _request: service)
    machine.listen("agent", lambda _request: agent)
    assert machine.run("state").stdout.splitlines() == [
        "service: running, version 9",
        "  listening at vsock:",
        "  1 devices, 1 shared",
        "  guest wslusb 9 (vm)",
        "  1-1 (46f4:0001 QEMU Stick) attached to CID 42: /dev/sda",
        "agent: running, version 9",
        "  host vsock:2: not connected",
        "  1-1 (46f4:0001 QEMU Stick) attached in port 8: /dev/ttyACM0",
    ]
    assert json.loads(machine.run("state", "--json").stdout)["agent"]["attached"] == [port]
