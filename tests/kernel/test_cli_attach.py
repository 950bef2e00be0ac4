"""The command line on both sides of a pair of machines: a gadget of the host becomes a disk of the guest."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from hil.vm.remote import Result
from hil.vm.uml import UmlMachine
from hil.waiting import poll
from tests.kernel.support import Passthrough

SERIAL = "CLI77"


class Pair:
    """The command line on either side."""

    def __init__(self, uml: Passthrough[UmlMachine]) -> None:
        self.uml = uml

    def host(self, *arguments: str, code: int = 0) -> Result:
        return self._run(self.uml.host, arguments, code)

    def guest(self, *arguments: str, code: int = 0) -> Result:
        return self._run(self.uml.guest, arguments, code)

    def _run(self, machine: UmlMachine, arguments: tuple[str, ...], code: int) -> Result:
        done = self.uml.cli(machine, *arguments, check=False)
        assert done.returncode == code, done.output
        return done

    def state(self) -> str:
        devices = json.loads(self.host("list", "--json").stdout)["devices"]
        return str(next(device["state"] for device in devices if device["serial"] == SERIAL))


@pytest.fixture
def pair(uml: Passthrough[UmlMachine]) -> Iterator[Pair]:
    with uml.gadget("mass-storage", "--size", "16M", "--serial", SERIAL):
        uml.share(SERIAL)
        made = Pair(uml)
        yield made
        made.host("unbind", "--all")


@pytest.mark.parametrize("attach", ["host", "guest"])
@pytest.mark.parametrize("detach", ["host", "guest"])
def test_from_either_side(pair: Pair, attach: str, detach: str) -> None:
    done = getattr(pair, attach)("attach", SERIAL)
    nodes = done.stdout.split()
    disk = next(node for node in nodes if node.startswith("/dev/sd"))
    assert pair.uml.guest.run(["test", "-b", disk], check=False).returncode == 0, "usable when attach comes back"
    assert pair.state() == "attached"
    assert "Attached to CID 42" in pair.host("list").stdout
    getattr(pair, detach)("detach", SERIAL)
    assert pair.state() == "shared"
    assert pair.uml.guest.run(["test", "-b", disk], check=False).returncode != 0


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


@pytest.mark.parametrize("side", ["host", "guest"])
def test_auto_attach_survives_a_replug_until_it_is_detached(pair: Pair, side: str) -> None:
    getattr(pair, side)("attach", "--auto-attach", SERIAL)
    kept = json.loads(pair.guest("state", "--json").stdout)["agent"]["kept"]
    assert len(kept) == 1
    udc = "/sys/kernel/config/usb_gadget/*/UDC"
    name = pair.uml.host.run(f"grep -l . {udc} | head -1 | xargs cat").stdout.strip()
    path = pair.uml.host.run(f"grep -l {name} {udc}").stdout.strip()
    pair.uml.host.run(f"echo > {path}")
    poll(lambda: pair.uml.guest.run("ls /dev/sd*", check=False).returncode != 0, 5, "the disk goes")
    pair.uml.host.run(f"echo {name} > {path}")
    poll(lambda: pair.uml.guest.run("test -b /dev/sda", check=False).returncode == 0, 15, "the disk is back by itself")
    poll(lambda: pair.state() == "attached", 5, "and the host knows")
    getattr(pair, side)("detach", SERIAL)
    assert json.loads(pair.guest("state", "--json").stdout)["agent"]["kept"] == []
    assert pair.state() == "shared"
