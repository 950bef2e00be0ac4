"""Scenario files under a real kernel; and kernel gadgets that were described, served again from the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from hil.vm.machine import PROJECT
from hil.vm.uml import UmlMachine
from hil.waiting import poll
from tests.kernel.devices.lab import Lab
from tests.kernel.support import PROGRAMS

EXAMPLES = PROJECT / "docs" / "examples"
GADGETS = {"hid": "usbhid", "acm": "cdc_acm", "source-sink": "usbtest", "mass-storage": "usb-storage"}
THERMOMETER = """
import time, usb.core
device = usb.core.find(idVendor=0x1209, idProduct=0x0001)
device.set_configuration()
print([int.from_bytes(device.ctrl_transfer(0xC0, 1, 0, 0, 2), "little") for _ in range(4)])
device.ctrl_transfer(0x40, 2, 0, 0, b"\\x2c\\x01")
print(bytes(device.ctrl_transfer(0xC0, 2, 0, 0, 2)).hex())
device.ctrl_transfer(0x40, 3)
print([bytes(device.read(0x81, 8, 1000)).decode() for _ in range(3)])
refused = 0
while True:
    try:
        started = time.monotonic()
        print(bytes(device.ctrl_transfer(0xC0, 4, 0, 0, 16)).decode(), refused, time.monotonic() - started >= 0.02)
        break
    except usb.core.USBError as error:
        assert error.errno == 32, error
        refused += 1
"""
TANGLE = """
import usb.core
device = usb.core.find(idVendor=0x1209, idProduct=0x0005)
for number in range(1, 5):
    try:
        print(device.write(1, b"x"))
    except usb.core.USBError as error:
        print(error.errno)
        device.clear_halt(1)
"""
PROBE = """
import pathlib, sys
for folder in pathlib.Path("/sys/bus/usb/devices").iterdir():
    if (folder / "serial").exists() and (folder / "serial").read_text().strip() == sys.argv[1]:
        print((folder / "descriptors").read_bytes().hex())
        print([(folder / name).read_text() for name in ("manufacturer", "product", "speed", "bConfigurationValue")])
        for report in sorted(folder.glob("*/*/report_descriptor")):
            print(report.read_bytes().hex())
"""


def test_a_vendor_device_answers_as_its_file_says(lab: Lab, kernel: UmlMachine) -> None:
    with lab.plug(str(EXAMPLES / "thermometer.toml")):
        assert kernel.python("-c", THERMOMETER).stdout.splitlines() == [
            "[215, 220, 225, 215]",
            "2c01",
            "['alarm 1', 'alarm 2', 'alarm 3']",
            "ready 2 True",
        ]


def test_a_keypad_types_under_usbhid(lab: Lab, kernel: UmlMachine) -> None:
    with lab.plug(str(EXAMPLES / "keypad.toml")) as plugged:
        keys = lab.python(kernel, str(PROGRAMS / "keys.py"), plugged.node("/dev/input/event"))
        typed = [f"key {code} {value}" for code in (79, 80, 81, 96) for value in (1, 0)]
        poll(lambda: [line for line in keys.output.splitlines() if line.startswith("key ")] == typed, 10, str(typed))
        lab.wait_driver_in_guest("usbhid")


def test_a_modem_talks_to_a_terminal_program(lab: Lab, kernel: UmlMachine) -> None:
    record = lab.rig.shared / "modem"
    with lab.plug(f"{EXAMPLES / 'modem.toml'}:record={record}") as plugged:
        port = plugged.node("/dev/ttyACM")
        said = kernel.run(
            f"set -e; stty -F {port} raw -echo 9600; exec 3<>{port};"
            r" for line in AT ATD1 ATH; do printf '%s\r' $line >&3; IFS= read -r -t 5 answer <&3; echo $answer; done"
        ).stdout
        assert said.replace("\r", "").splitlines() == ["OK", "CONNECT 9600", "NO CARRIER"]
    assert "out 0x02: 41 54 44 31 0d" in record.read_text().splitlines()


def test_a_device_that_fails_as_its_file_says(lab: Lab, kernel: UmlMachine) -> None:
    """Linux asks three times for a configuration (drivers/usb/core/message.c, usb_get_descriptor)."""
    record = lab.rig.shared / "tangle"
    with lab.plug(f"{EXAMPLES / 'tangle.toml'}:record={record}"):
        assert kernel.python("-c", TANGLE).stdout.split() == ["1", "1", "32", "1"]
    asked = [line for line in record.read_text().splitlines() if line.startswith("control 80 06 00 02")]
    assert asked, "the kernel's first GET_DESCRIPTOR(CONFIGURATION) was the one that stalls"


def test_a_report_descriptor_is_asked_for_where_no_driver_has_read_it(lab: Lab) -> None:
    with lab.gadget("hid", "--serial", "DESC-LOOSE"):
        lab.wait_listed("DESC-LOOSE")
        lab.wait_driver("DESC-LOOSE", "usbhid")
        bound = lab.cli(lab.host, "describe", "DESC-LOOSE").stdout
        lab.host.run("cd /sys/bus/usb/drivers/usbhid; for link in *:1.0; do echo $link >unbind; done")
        assert lab.driver("DESC-LOOSE") == ""
        assert lab.cli(lab.host, "describe", "DESC-LOOSE").stdout == bound
    assert "[hid_reports]" in bound


@pytest.mark.parametrize("kind", GADGETS)
def test_a_gadget_of_the_kernel_is_described_and_served_again(lab: Lab, kernel: UmlMachine, kind: str) -> None:
    serial = f"DESC-{kind.upper()}"
    with lab.gadget(kind, "--serial", serial):
        lab.wait_listed(serial)
        lab.wait_driver(serial, GADGETS[kind])
        text = lab.cli(lab.host, "describe", serial).stdout
        assert lab.driver(serial) == GADGETS[kind], "describing took the device from its driver"
        original = lab.host.python("-c", PROBE, serial).stdout
    assert "Not read" not in text
    scenario = Path(lab.rig.shared) / f"{kind}.toml"
    scenario.write_text(text)
    with lab.plug(str(scenario)) as plugged:
        assert kernel.python("-c", PROBE, serial).stdout == original
        assert lab.cli(kernel, "describe", plugged.busids[0]).stdout == text
        lab.wait_driver_in_guest(GADGETS[kind])
