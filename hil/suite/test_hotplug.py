"""A device that goes while it is attached, and comes back."""

from __future__ import annotations

import pytest

from hil.harness.fixtures import Measure
from hil.health import hung, taken_ports
from hil.live.device import LiveDevice
from hil.live.side import Side
from hil.suite.plugs import switched
from hil.waiting import poll

pytestmark = pytest.mark.safety("reversible")

_GONE_SECONDS = 10.0


def test_the_guest_sees_an_unplug(dut: LiveDevice, passthrough: Side, measure: Measure) -> None:
    """It leaves the guest's kernel, nothing hangs there, and its port is free."""
    with switched(dut) as switch:
        switch.off()
        seconds = poll(lambda: passthrough.busid not in dut.rig.in_guest(), _GONE_SECONDS, "the guest's port is free")
        # A disk's driver tries to flush it first.
        here = f"ls -d /sys/bus/usb/devices/{passthrough.busid} 2>/dev/null"
        gone = "the guest's drivers have let go of it"
        poll(lambda: not passthrough.place.run(here, check=False).stdout, _GONE_SECONDS, gone)
        assert not hung(passthrough.place)
    measure("unplug seen", "s", [], [seconds])


def test_a_replug_is_the_same_device(dut: LiveDevice) -> None:
    """Descriptors before and after are the same, on either side."""
    before = dut.passthrough().probe("descriptors")
    with switched(dut) as switch:
        switch.off()
        dut.wait(present=False)
    assert dut.passthrough().probe("descriptors") == before
    assert dut.native().probe("descriptors") == before


def test_power_cycles(dut: LiveDevice, effort: float) -> None:
    """Again and again: off while it is attached, on, attached, answering."""
    for _ in range(max(2, round(3 * effort))):
        dut.passthrough()
        with switched(dut) as switch:
            switch.off()
            dut.wait(present=False)
        assert dut.passthrough().probe("descriptors")["device"]
    dut.detach()
    assert not taken_ports(dut.rig.guest)


def test_the_host_s_drivers_have_it_back(dut: LiveDevice) -> None:
    """After a detach the host has the nodes that it had before."""
    before = dut.native()
    if not before.has_kernel:
        pytest.skip("no kernel of the host has a device that is opened in process")
    dut.passthrough()
    assert dut.native().nodes == before.nodes
