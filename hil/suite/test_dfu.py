"""Firmware that can be upgraded: the device changes into its loader and back, and what is read and written is whole."""

from __future__ import annotations

import hashlib

import pytest

from hil.harness.fixtures import Both
from hil.live.device import LiveDevice
from hil.suite.disks import needs
from hil.suite.upgrades import as_it_was, download, loader, steps

pytestmark = pytest.mark.trait("dfu")

_IDLE = 2  # dfuIDLE: DFU 1.1, 6.1.2
_FIRMWARE = "/tmp/wslusb-hil-firmware"  # noqa: S108 - the guest's


def test_its_state_and_descriptor(dut: LiveDevice, both: Both) -> None:
    """Mode, functional descriptor and GETSTATUS as on the host."""
    native, passthrough = (steps(side, dut, ["state"])[0] for side in both)
    assert passthrough == native
    assert passthrough["functional"].startswith("0921")


@pytest.mark.safety("reversible")
def test_it_comes_back_as_its_loader(dut: LiveDevice) -> None:
    """After DETACH another device is in the same port; it is attached, idle, and leaves when it is reset."""
    before = dut.passthrough().probe("descriptors")
    with loader(dut) as side:
        state = steps(side, dut, ["state"])[0]
        assert state["mode"] == "dfu"
        assert int(state["status"][8:10], 16) == _IDLE, f"GETSTATUS says {state['status']}"
    assert dut.passthrough().probe("descriptors") == before


@pytest.mark.safety("reversible")
def test_the_firmware_reads_the_same(dut: LiveDevice) -> None:
    """UPLOAD on the host and in the guest; of a device that has no kernel on its host, twice in the guest."""
    with loader(dut) as side:
        (passthrough,) = steps(side, dut, ["upload", None])
    assert passthrough["state"] == _IDLE
    if dut.is_virtual:
        with loader(dut) as side:
            (again,) = steps(side, dut, ["upload", None])
    else:
        *_, again, _ = steps(dut.native(), dut, ["detach"], ["upload", None], ["leave"])
    assert passthrough == again


@pytest.mark.safety("destructive")
def test_a_download_is_read_back(dut: LiveDevice) -> None:
    """dfu-util in the guest writes the rig's firmware; the device comes back, and its loader gives just that."""
    options = dut.entry.options.get("dfu", {})
    if "firmware" not in options:
        pytest.skip('the rig file names no firmware for it: dfu = { firmware = "FILE" }')
    firmware = (dut.rig.rig.path.parent / options["firmware"]).read_bytes()
    needs(dut.passthrough(), "dfu-util")
    with as_it_was(dut):
        with loader(dut) as side:
            side.place.put(_FIRMWARE, firmware)
            download(side, dut, _FIRMWARE)
        with loader(dut) as side:
            (found,) = steps(side, dut, ["upload", len(firmware)])
        assert (found["size"], found["sha256"]) == (len(firmware), hashlib.sha256(firmware).hexdigest())
