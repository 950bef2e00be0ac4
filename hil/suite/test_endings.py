"""Agent, service and link ended at the worst moment: no ghost in the guest, and the device is its host's again."""

from __future__ import annotations

import pytest

from hil.daemons import Daemons
from hil.health import hung, taken_ports
from hil.live.device import LiveDevice
from hil.live.side import Side
from hil.places.place import Place, PlaceProcess
from hil.waiting import poll

pytestmark = pytest.mark.safety("reversible")

_END_SECONDS = 20.0
_FREE_SECONDS = 30.0
"""A silent peer counts as dead after 20 (docs/protocol.md, liveness)."""


def _nothing_is_left(dut: LiveDevice) -> None:
    guest = dut.rig.guest
    poll(lambda: not taken_ports(guest), _FREE_SECONDS, "every port of the guest is free")
    assert not hung(guest)


def _ends_in_order(daemons: Daemons[Place, Place], process: PlaceProcess, what: str) -> None:
    daemons.end(process)
    poll(lambda: not process.running, _END_SECONDS, f"the {what} has ended after SIGTERM")
    assert process.wait().returncode == 0


def _works_again(dut: LiveDevice) -> None:
    assert dut.native().probe("descriptors") == dut.passthrough().probe("descriptors")


@pytest.mark.parametrize("how", ["SIGTERM", "SIGKILL"])
def test_the_agent_ends(dut: LiveDevice, passthrough: Side, how: str) -> None:
    """The kernel's port is freed, also by kill -9, and a new agent attaches the device."""
    daemons = dut.rig.daemons
    assert daemons.agent is not None
    if how == "SIGKILL":
        daemons.kill9(daemons.guest, daemons.agent)
    else:
        _ends_in_order(daemons, daemons.agent, "agent")
    _nothing_is_left(dut)
    _works_again(dut)


@pytest.mark.parametrize("how", ["SIGTERM", "SIGKILL"])
def test_the_service_ends(dut: LiveDevice, how: str) -> None:
    """The guest loses the device cleanly, the host's drivers get it, and a new service shares it."""
    daemons, before = dut.rig.daemons, dut.native()
    dut.passthrough()
    assert daemons.service is not None
    if how == "SIGKILL":
        daemons.kill9(daemons.host, daemons.service)
    else:
        _ends_in_order(daemons, daemons.service, "service")
    _nothing_is_left(dut)
    if before.has_kernel:
        poll(lambda: dut.native().nodes == before.nodes, _FREE_SECONDS, f"the host has {before.nodes} again")
    _works_again(dut)


def test_a_detach_of_a_device_that_the_guest_has_unconfigured(dut: LiveDevice) -> None:
    """Whatever configuration the guest has left it in, the host's drivers have what they had."""
    before = dut.native()
    if not before.has_kernel:
        pytest.skip("no kernel of the host has a device that is opened in process")
    side = dut.passthrough()
    side.place.run(f"echo 0 >/sys/bus/usb/devices/{side.busid}/bConfigurationValue")
    assert dut.native().nodes == before.nodes
