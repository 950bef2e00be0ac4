"""Conformance through a real kernel: our suites by libusb in the guest, and usbtest of the kernel itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import pytest

from emulator.catalogue import kinds
from hil.conformance.kernel_usbtest import KERNEL_CASES, KernelCase
from hil.vm.machine import Machine
from hil.vm.uml import UmlMachine
from tests.kernel.devices.lab import Lab

ZERO, LOOPBACK = "ZERO", "LOOP"
SUITE_SECONDS = 260
ENOUGH = 40
"""Of the cases, so many apply to any device."""
DUMMY_HCD_ANSWERS = {"remote wakeup", "features that do not exist"}
"""dummy_hcd takes remote wakeup for any device, and any CLEAR_FEATURE to an endpoint (handle_control_request in
drivers/usb/gadget/udc/dummy_hcd.c): the gadget is not asked."""


def results_in(machine: UmlMachine, *arguments: str) -> list[Any]:
    """What ``python -m hil.conformance`` finds in a machine: a device each."""
    path = machine.shared / "conformance.json"
    path.unlink(missing_ok=True)
    said = machine.python("-m", "hil.conformance", *arguments, "--json", str(path), timeout=SUITE_SECONDS, check=False)
    assert path.exists(), said.output
    devices: list[Any] = json.loads(path.read_text())
    return devices


def outcomes(devices: list[Any], outcome: str) -> dict[str, str]:
    """The cases that came to this, and what was seen."""
    return {
        f"{device['id']} {device['serial']}: {row['case']}": row["seen"]
        for device in devices for rows in device["suites"].values() for row in rows if row["outcome"] == outcome
    }  # fmt: skip


def test_every_kind_keeps_chapter_9_under_the_kernel_of_the_guest(lab: Lab, kernel: UmlMachine) -> None:
    """The suites drive usbfs of the guest, which drives vhci_hcd, and so on down to the virtual devices."""
    with lab.plug(",".join(kinds()), attach=False) as plugged:
        lab.at_once(kernel, "attach", plugged.busids)
        devices = results_in(kernel, "libusb", "--all", "--repeats", "1")
    assert len(devices) == len(kinds())
    assert outcomes(devices, "failed") == {}
    assert len(outcomes(devices, "passed")) > ENOUGH * len(devices)


def test_the_suites_ask_nothing_that_linux_own_gadgets_do_not_do(lab: Lab) -> None:
    """A device that nobody here has written passes, but for what its controller answers in its place."""
    with lab.gadget("source-sink", "--serial", ZERO):
        lab.wait_listed(ZERO)
        devices = results_in(lab.host, "libusb", ZERO, "--repeats", "1")
    assert {case.partition(": ")[2] for case in outcomes(devices, "failed")} == DUMMY_HCD_ANSWERS
    assert len(outcomes(devices, "passed")) > ENOUGH


def usbtest(lab: Lab, machine: Machine, serial: str, cases: Sequence[KernelCase]) -> dict[int, str]:
    """Run cases of the kernel's usbtest; what failed, by number. The driver is bound anew for each setting."""
    problems = {}
    for alternate, group in groupby(sorted(cases, key=lambda case: case.alternate), key=lambda case: case.alternate):
        bind(machine, serial, alternate)
        arguments = [case.argument for case in group]
        for line in lab.run(machine, "usbtest", serial, *arguments).splitlines():
            result = json.loads(line)
            number = int(result["case"].partition(":")[0])
            print(f"{machine.name} {result['seconds']:6.3f} s  {result['case']:18} {result['problem']}")
            problems[number] = result["problem"]
    bind(machine, serial, -1)
    return problems


def bind(machine: Machine, serial: str, alternate: int) -> None:
    """Have usbtest look for its endpoints in that alternate setting only; -1: in the first that has bulk endpoints."""
    machine.run(
        f"set -e; cd $(dirname $(grep -lsx {serial} /sys/bus/usb/devices/*/serial)); name=$(basename $PWD):*.0;"
        f" name=$(basename $(ls -d $name)); driver=/sys/bus/usb/drivers/usbtest;"
        f" echo {alternate} >/sys/module/usbtest/parameters/alt;"
        " [ ! -e $driver/$name ] || echo $name >$driver/unbind; echo $name >$driver/bind || true"
    )


@pytest.fixture
def directly(lab: Lab) -> dict[int, str]:
    """What the kernel's usbtest says of the kernel's Gadget Zero, on the host's own bus."""
    with lab.gadget("source-sink", "--serial", ZERO):
        lab.host.wait_until("[ -e /sys/bus/usb/drivers/usbtest/*:1.0 ]", 10)
        return usbtest(lab, lab.host, ZERO, KERNEL_CASES)


def test_every_case_of_usbtest_that_passes_directly_passes_through_wslusb(
    lab: Lab, kernel: UmlMachine, directly: dict[int, str]
) -> None:
    with lab.plug(f"loopback:serial={LOOPBACK}"):
        lab.wait_driver_in_guest("usbtest")
        through = usbtest(lab, kernel, LOOPBACK, KERNEL_CASES)
    numbers = [case.number for case in KERNEL_CASES]
    assert (sorted(directly), sorted(through)) == (numbers, numbers)
    assert passing(directly) <= passing(through)
    assert passing(directly) == {case.number for case in KERNEL_CASES if not case.directly}
    assert passing(through) == {case.number for case in KERNEL_CASES if not case.through}


def passing(problems: dict[int, str]) -> set[int]:
    return {number for number, problem in problems.items() if not problem}
