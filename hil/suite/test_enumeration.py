"""A device is the same device in the guest."""

from __future__ import annotations

from hil.harness.fixtures import Both
from hil.live.device import LiveDevice
from hil.live.side import Side
from hil.rig import fingerprint


def test_the_device_is_the_one_of_the_rig_file(dut: LiveDevice) -> None:
    """Its descriptors have the fingerprint that was written down."""
    if dut.entry.fingerprint:
        assert fingerprint.of(dut.info()) == dut.entry.fingerprint


def test_descriptors_are_the_same_byte_for_byte(both: Both) -> None:
    """Device, configurations, BOS and strings, asked for natively and in the guest."""
    native, passthrough = both.probe("descriptors")
    assert passthrough == native


def test_the_guest_s_kernel_has_it_configured(passthrough: Side) -> None:
    """It is at an address, in a configuration, with the interfaces of its descriptor."""
    folder = f"/sys/bus/usb/devices/{passthrough.busid}"
    interfaces = passthrough.place.run(f"cat {folder}/bNumInterfaces; ls -d {folder}/*:* | wc -l").stdout.split()
    assert int(interfaces[0]) == int(interfaces[1]) > 0
