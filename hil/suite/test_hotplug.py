"""A device that goes while it is attached, and comes back."""

from __future__ import annotations

import time

import pytest

from hil.harness.fixtures import Measure
from hil.health import hung, taken_ports
from hil.live.device import LiveDevice
from hil.live.side import Side, probe
from hil.suite.plugs import switched
from hil.waiting import poll

pytestmark = pytest.mark.safety("reversible")

_GONE_SECONDS = 10.0
_BACK_SECONDS = 20.0
_STAYS_AWAY_SECONDS = 3.0
_NO_GENERATION = 1 << 30


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


@pytest.mark.one_device
def test_what_a_guest_must_not_have_is_refused(dut: LiveDevice) -> None:
    """What is not shared, what another has, and what was at this port before: also to a guest that just asks."""
    daemons, info = dut.rig.daemons, dut.info()
    host = dut.rig.address()

    def ask(generation: int = 0) -> str:
        return str(probe(daemons, daemons.guest, "uninvited", address=host, busid=info.busid, generation=generation))

    dut.passthrough()
    assert ask() == "BUSY"
    dut.detach()
    assert ask(_NO_GENERATION) == "GONE"
    dut.unshare()
    dut.rig.release()
    assert ask() == "ACCESS_DENIED"
    said = daemons.cli(daemons.guest, "attach", info.busid, check=False)
    assert said.returncode, f"'wslusb attach {info.busid}' succeeded, and the device is not shared"
    assert not taken_ports(dut.rig.guest)
    assert dut.passthrough().probe("descriptors")["device"]


@pytest.mark.one_device
def test_one_of_two_is_detached(dut: LiveDevice, companion: LiveDevice) -> None:
    """The other one stays where it is and works on, whichever came first."""
    before = {each: each.native().probe("descriptors") for each in (dut, companion)}
    for going, staying in ((dut, companion), (companion, dut)):
        first, second = dut.passthrough(), companion.passthrough()
        assert first.busid != second.busid
        going.detach()
        assert staying.is_attached(), f"{staying.name} left the guest when {going.name} was detached"
        assert not going.is_attached()
        assert staying.passthrough().probe("descriptors") == before[staying]
    companion.detach()


@pytest.mark.one_device
def test_a_device_that_is_kept_comes_back_until_it_is_detached(dut: LiveDevice) -> None:
    """``attach --auto-attach``: after a re-plug the agent has it again; after a detach it leaves it alone."""
    daemons, guest = dut.rig.daemons, dut.rig.guest
    dut.passthrough()
    dut.rig.release()
    busid = dut.info().busid
    daemons.cli(daemons.guest, "attach", "--auto-attach", busid)
    try:
        for _ in range(2):
            with switched(dut) as switch:
                switch.off()
                poll(lambda: not taken_ports(guest), _GONE_SECONDS, "the guest's port is free")
            poll(lambda: bool(dut.rig.in_guest()), _BACK_SECONDS, "the device is back in the guest")
    finally:
        daemons.detach(busid)
    poll(lambda: not taken_ports(guest), _GONE_SECONDS, "the guest's port is free")
    dut.native()  # the host's drivers are done with it: pulled out under them, a disk may stay for half a minute
    with switched(dut) as switch:
        switch.off()
        dut.wait(present=False)
    time.sleep(_STAYS_AWAY_SECONDS)
    assert not taken_ports(guest), "the device was detached, and came back by itself"
