"""Devices from what other tools wrote: the guest's kernel enumerates them, and shows the bytes that the source has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from emulator.catalogue import kinds
from emulator.importers import import_device
from hil.vm.uml import UmlMachine
from tests.kernel.devices.lab import Lab
from tests.kernel.support import tools
from tests.support import samples

GADGETS = {
    "acm": "ACM1",
    "composite": "COMPOSITE1",
    "keyboard": "KBD1",
    "midi": "MIDI1",
    "network": "NETWORK1",
    "zero": "ZERO",
}
"""And their serial numbers."""
ATTACHED = "/sys/devices/platform/vhci_hcd.*/usb*/*-*[0-9]"
REPORT_LENGTH = 63


def attached(kernel: UmlMachine) -> str:
    """The directory of the one device that is attached, as soon as it is configured."""
    kernel.wait_until(f"[ -s $(ls -d {ATTACHED} | grep -v : | head -1)/bConfigurationValue ]", 10)
    (found,) = kernel.run(f"ls -d {ATTACHED} | grep -v :").stdout.split()
    return found


@pytest.mark.parametrize("source", ["sysfs", "lsusb.txt", "umockdev.txt", "usbmon.pcap"])
def test_imported_devices_enumerate_with_the_bytes_of_their_source(lab: Lab, kernel: UmlMachine, source: str) -> None:
    with lab.plug(",".join(named(gadget, source, lab.rig.shared / gadget) for gadget in GADGETS)) as plugged:
        kernel.wait_until(f"[ $(cat {ATTACHED}/bConfigurationValue | grep -c .) = {len(plugged.busids)} ]", 20)
        found = {
            kernel.get(f"{directory}/serial").decode().strip(): kernel.get(f"{directory}/descriptors")
            for directory in kernel.run(f"ls -d {ATTACHED} | grep -v :").stdout.split()
        }
    assert found == {serial: samples.descriptors(gadget) for gadget, serial in GADGETS.items()}


def named(gadget: str, source: str, folder: Path) -> str:
    """A gadget's sample, as a device is named."""
    if source == "sysfs":
        return str(samples.sysfs(gadget, folder))
    if source == "usbmon.pcap":
        return f"{samples.CAPTURE}:device={samples.ADDRESSES[gadget]}"
    return str(samples.SAMPLES / gadget / source)


def test_an_imported_keyboard_is_bound_by_usbhid(lab: Lab, kernel: UmlMachine) -> None:
    with lab.plug(f"{samples.SAMPLES}/keyboard/lsusb.txt"):
        lab.wait_driver_in_guest("usbhid")
        report = kernel.run(f"cat {attached(kernel)}/*:1.0/0003:*/report_descriptor | wc -c").stdout
        assert int(report) == REPORT_LENGTH


def test_an_imported_scheme_is_bound_by_the_drivers_of_its_functions(lab: Lab, kernel: UmlMachine) -> None:
    with lab.plug(f"{samples.SAMPLES}/composite.scheme"):
        for driver in ("cdc_acm", "cdc_ether", "usbhid"):
            lab.wait_driver_in_guest(driver)
        scheme = import_device(samples.SAMPLES / "composite.scheme").model.gadget
        assert kernel.get(f"{attached(kernel)}/descriptors")[18:] == scheme.configurations[0].pack()


@pytest.mark.long
def test_what_lsusb_says_of_the_catalogue_is_turned_back_to_its_bytes(
    lab: Lab, kernel: UmlMachine, tmp_path: Path
) -> None:
    tools("lsusb")
    names = [*(name for name in kinds() if name != "awkward"), "loopback:speed=super,serial=SUPER1"]
    source = tmp_path / "lsusb.txt"
    with lab.plug(",".join(names)) as plugged:
        kernel.wait_until(f"[ $(cat {ATTACHED}/bConfigurationValue | grep -c .) = {len(plugged.busids)} ]", 20)
        source.write_text(kernel.run("lsusb -v 2>/dev/null", timeout=60).stdout, encoding="utf-8")
        directories = kernel.run(f"ls -d {ATTACHED} | grep -v :").stdout.split()
        numbers = [kernel.run(f"cat {each}/busnum {each}/devnum").stdout.split() for each in directories]
        truth = [kernel.get(f"{each}/descriptors") for each in directories]
    assert len(truth) == len(names)
    for number, data in zip(numbers, truth, strict=True):
        imported = import_device(source, ".".join(number))
        assert not [line for line in imported.missing if re.search("left out|wTotalLength", line)]
        gadget = imported.model.gadget
        assert gadget.device.pack() + b"".join(each.pack() for each in gadget.configurations) == data
