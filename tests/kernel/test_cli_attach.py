"""The command line on both sides of a pair of machines: a gadget of the host becomes a disk of the guest."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import pytest

from hil.vm.remote import Result
from hil.vm.rig import Rig
from hil.vm.uml import UmlMachine
from tests.support.waiting import until

SERIAL = "CLI77"
WSLUSB = [sys.executable, "-m", "wslusb"]


class Pair:
    """Both machines, with the service on one and the agent on the other."""

    def __init__(self, rig: Rig[UmlMachine]) -> None:
        self.rig = rig

    def host(self, *arguments: str, code: int = 0) -> Result:
        return _run(self.rig.host, arguments, code)

    def guest(self, *arguments: str, code: int = 0) -> Result:
        return _run(self.rig.guest, arguments, code)

    def state(self) -> str:
        devices = json.loads(self.host("list", "--json").stdout)["devices"]
        return str(next(device["state"] for device in devices if device["serial"] == SERIAL))


def _run(machine: UmlMachine, arguments: tuple[str, ...], code: int) -> Result:
    done = machine.run([*WSLUSB, *arguments], check=False)
    assert done.returncode == code, done.output
    return done


@pytest.fixture
def pair(uml_pair: Rig[UmlMachine]) -> Iterator[Pair]:
    made = Pair(uml_pair)
    host = uml_pair.host
    host.python("-m", "hil.gadgets", "mass-storage", "--size", "16M", "--serial", SERIAL)
    with host.start([*WSLUSB, "serve"]) as service:
        service.wait_for_output(r"serving \d+ devices at vsock:", timeout=30)
        until(lambda: SERIAL in made.host("list", "--json").stdout, "the gadget is enumerated")
        with uml_pair.guest.start([*WSLUSB, "agent"]) as agent:
            agent.wait_for_output("connected to wslusb", timeout=30)
            made.host("bind", SERIAL)
            yield made
            made.host("unbind", "--all")
    host.python("-m", "hil.gadgets", "remove", SERIAL.lower())


@pytest.mark.parametrize("attach", ["host", "guest"])
@pytest.mark.parametrize("detach", ["host", "guest"])
def test_from_either_side(pair: Pair, attach: str, detach: str) -> None:
    done = getattr(pair, attach)("attach", SERIAL)
    nodes = done.stdout.split()
    disk = next(node for node in nodes if node.startswith("/dev/sd"))
    assert pair.rig.guest.run(["test", "-b", disk], check=False).returncode == 0, "usable when attach comes back"
    assert pair.state() == "attached"
    assert "Attached to CID 42" in pair.host("list").stdout
    getattr(pair, detach)("detach", SERIAL)
    assert pair.state() == "shared"
    assert pair.rig.guest.run(["test", "-b", disk], check=False).returncode != 0


def test_twice_is_once(pair: Pair) -> None:
    first = pair.guest("attach", SERIAL, "--json")
    again = pair.host("attach", SERIAL, "--json")
    assert json.loads(first.stdout)["nodes"] == json.loads(again.stdout)["nodes"]
    assert (json.loads(first.stdout)["changed"], json.loads(again.stdout)["changed"]) == (True, False)
    pair.guest("detach", "--all")
    assert "is not attached" in pair.host("detach", SERIAL).stderr


def test_what_is_not_shared(pair: Pair) -> None:
    pair.host("unbind", SERIAL)
    assert "wslusb bind" in pair.host("attach", SERIAL, code=1).stderr
    assert "wslusb bind" in pair.guest("attach", SERIAL, code=1).stderr


def test_unbind_takes_it_back(pair: Pair) -> None:
    pair.guest("attach", SERIAL)
    pair.host("unbind", SERIAL)
    assert pair.state() == "not_shared"
    assert json.loads(pair.guest("state", "--json").stdout)["agent"]["attached"] == []


def test_doctor(pair: Pair) -> None:
    for side, name in ((pair.host, "service"), (pair.guest, "agent")):
        checks = {check["name"]: check["outcome"] for check in json.loads(side("doctor", "--json").stdout)["checks"]}
        assert checks[name] == "pass"
    assert checks["vhci"] == "pass"
    assert checks["vsock_guest"] == "pass"
