"""Who may have a device, and what the other verbs say of the real thing."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator

import pytest

from hil.vm.uml import UmlMachine
from tests.kernel.support import ENVIRONMENT, SECOND, Passthrough

Uml = Passthrough[UmlMachine]
SERIAL = "OWN1"


@pytest.fixture(scope="module")
def stick(uml_daemons: Uml) -> Iterator[None]:
    uml_daemons.ready()
    with uml_daemons.gadget("mass-storage", "--size", "1M", "--serial", SERIAL):
        uml_daemons.wait_listed(SERIAL)
        yield


@pytest.mark.parametrize("side", ["host", "guest"])
def test_what_is_not_shared_cannot_be_attached(uml: Uml, stick: None, side: str) -> None:
    """On either side the user is told what to do."""
    uml.cli(uml.host, "unbind", SERIAL, check=False)
    refused = uml.cli(uml.rig.machines[side], "attach", SERIAL, check=False)
    assert refused.returncode == 1
    assert refused.stderr.startswith("wslusb: error: ")
    assert "wslusb bind" in refused.stderr
    assert uml.host.run("ls /dev/sd*", check=False).stdout, "the host's own driver still has it"


def test_what_another_guest_has_cannot_be_attached(uml: Uml, stick: None) -> None:
    """The other guest is a second agent, at the service's Unix socket, with the vhci_hcd of the host's own kernel."""
    uml.share(SERIAL)
    other = {**ENVIRONMENT, "WSLUSB_RUNTIME_DIR": "/run/wslusb-second"}
    with uml.host.start([sys.executable, "-m", "wslusb", "agent", "--host", SECOND], env=other) as agent:
        agent.wait_for_output("connected ", 30)
        # By its busid: in the kernel of the host, which is the second guest, the stick comes up once more.
        busid = next(each["busid"] for each in uml.json(uml.host, "list")["devices"] if each["serial"] == SERIAL)
        uml.attach(busid)
        refused = uml.cli(uml.host, "attach", busid, env=other, check=False)
        assert refused.returncode == 1
        assert "CID 42" in refused.stderr
        uml.detach(busid)
        assert "/dev/sd" in uml.cli(uml.host, "attach", busid, env=other).stdout
        refused = uml.cli(uml.guest, "attach", busid, check=False)
        assert refused.returncode == 1
        assert "attached to uid 0" in refused.stderr
        # On the host, with two agents, the user must say which.
        assert "--guest" in uml.cli(uml.host, "attach", busid, check=False).stderr
        uml.cli(uml.host, "detach", busid, env=other)
        assert "/dev/sd" in uml.cli(uml.host, "attach", busid, "--guest", "42").stdout
        agent.kill(signal.SIGTERM)
        assert agent.wait(15).returncode == 0


def test_an_attach_again_says_where_it_is(uml: Uml, stick: None) -> None:
    uml.share(SERIAL)
    first = uml.attach(SERIAL)
    for machine in (uml.guest, uml.host):
        again = uml.cli(machine, "attach", SERIAL)
        assert again.stdout.split() == first
        assert "already" in again.stderr


def test_state_is_the_same_on_both_sides(uml: Uml, stick: None) -> None:
    uml.share(SERIAL)
    nodes = uml.attach(SERIAL)
    service, agent = uml.json(uml.host, "state")["service"], uml.json(uml.guest, "state")["agent"]
    (device,) = [each for each in service["devices"] if each["serial"] == SERIAL]
    (mine,) = agent["attached"]
    assert device["state"] == "attached"
    assert device["owner"] == "CID 42"
    assert (mine["busid"], mine["nodes"]) == (device["busid"], nodes)
    (guest,) = service["guests"]
    assert guest["attached"] == {device["busid"]: nodes}
    assert uml.guest.run(f"cat /sys/bus/usb/devices/{mine['guest_busid']}/serial").stdout.strip() == SERIAL


@pytest.mark.parametrize("side", ["host", "guest"])
def test_doctor_finds_nothing_wrong(uml: Uml, side: str) -> None:
    said = uml.json(uml.rig.machines[side], "doctor")
    assert said["roles"] == [side]
    assert [check for check in said["checks"] if check["outcome"] not in ("pass", "skip")] == []
