"""The unlink rule and the transfers' details, proved by the kernel's own usbtest and by programs on bare usbfs.

The device is the kernel's Gadget Zero. What a case does on the host's own bus, it must do in the guest as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from hil.vm.machine import Machine
from hil.vm.uml import UmlMachine
from hil.waiting import poll
from tests.kernel.support import Passthrough

Uml = Passthrough[UmlMachine]
SERIAL = "ZERO"
CASES = {
    "1:50:4096": "bulk write",
    "2:50:4096": "bulk read",
    "3:50:4096:512": "bulk write, lengths vary",
    "4:50:4096:512": "bulk read, lengths vary",
    "5:20:4096:512:8": "scatter-gather write",
    "6:20:4096:512:8": "scatter-gather read",
    "7:20:4096:512:8": "scatter-gather write, lengths vary",
    "8:20:4096:512:8": "scatter-gather read, lengths vary",
    "9:20": "chapter 9 requests",
    "10:100": "queued control requests, with stalls and short reads",
    "11:20:4096": "unlink of reads",
    "12:20:4096": "unlink of writes",
    "13:10": "halts set and cleared",
    "14:50:512:64": "control writes",
    "17:20:4096": "write from an odd address",
    "18:20:4096": "read to an odd address",
    "19:20:4096": "write from an odd address, mapped before",
    "20:20:4096": "read to an odd address, mapped before",
    "21:50:512:64": "control writes from an odd address",
    "24:20:4096:512:8": "unlink from queues of writes",
    "27:5:65536:512:8": "bulk write, performance",
    "28:5:65536:512:8": "bulk read, performance",
    "29:10": "toggle cleared between writes",
}
"""usbtest's cases (drivers/usb/misc/usbtest.c) as ``case:iterations:length:vary:sglen``. 15, 16, 22 and 23 are
isochronous, 25 and 26 interrupt: f_sourcesink on dummy_hcd has neither."""


def usbtest(uml: Uml, machine: Machine) -> dict[str, str]:
    """Run all cases; what failed, by case."""
    machine.wait_until("[ -e /sys/bus/usb/drivers/usbtest/*:1.0 ]", 10)
    said = uml.run(machine, "usbtest", SERIAL, *CASES).splitlines()
    results = [json.loads(line) for line in said]
    for result in results:
        case, problem, seconds = result["case"], result["problem"], result["seconds"]
        print(f"{machine.name} {seconds:6.3f} s  {case:18} {CASES[case]} {problem}")
    return {result["case"]: result["problem"] for result in results}


@pytest.fixture(scope="module")
def zero(uml_daemons: Uml) -> Iterator[dict[str, str]]:
    """Gadget Zero, and what usbtest says of it on the host's own bus."""
    uml = uml_daemons
    uml.ready()
    with uml.gadget("source-sink", "--serial", SERIAL):
        uml.share(SERIAL)
        yield usbtest(uml, uml.host)
        uml.release()


@pytest.fixture
def attached(uml: Uml, zero: dict[str, str]) -> Uml:
    """It is attached, from one test to the next, and usbtest has it."""
    if not uml.keep:
        uml.attach(SERIAL)
        assert resets(uml) == 0, "an attach resets nothing: the enumeration is no port reset"
        uml.keep = True
    uml.run(uml.guest, "ask", SERIAL, "configure", "1")
    uml.mark()
    return uml


def run(uml: Uml, name: str, *arguments: str) -> dict[str, Any]:
    """Run one of the programs in the guest; what it counted."""
    said = uml.run(uml.guest, name, SERIAL, *arguments)
    print(name, said)
    counted: dict[str, Any] = json.loads(said)
    return counted


def test_every_case_of_usbtest_that_passes_directly_passes_in_the_guest(attached: Uml, zero: dict[str, str]) -> None:
    through = usbtest(attached, attached.guest)
    assert list(through) == list(CASES)
    assert {case: problem for case, problem in through.items() if problem and not zero[case]} == {}


def test_trap_discarded_urbs_are_reaped_once_and_no_byte_is_lost(attached: Uml) -> None:
    """A few hundred URBs, a good part of them discarded, some just as they complete: the unlink race."""
    counts = run(attached, "unlink_race", "4", "1")
    assert counts["won"] > 20
    assert counts["bytes"] > 100_000
    # A cancel that lost: RET_SUBMIT, then RET_UNLINK 0, of which vhci_hcd makes a note.
    print("lost cancels:", attached.kernel_said(attached.guest).count("was already given back"))


def test_trap_read_that_times_out_loses_nothing(attached: Uml) -> None:
    """The bytes of a cancelled IN URB are given to the program, also where the cancel and the data crossed."""
    counts = run(attached, "trickle", "100", "1")
    assert counts["partial"] > 5


def test_trap_port_reset_in_the_guest_resets_the_device(attached: Uml) -> None:
    attached.run(attached.guest, "ask", SERIAL, "reset")
    assert resets(attached) == 1
    assert usbtest_once(attached, attached.guest)
    assert resets(attached) == 1


def test_reading_the_descriptor_like_the_kernel_resets_nothing(attached: Uml) -> None:
    descriptor = bytes.fromhex(attached.run(attached.guest, "ask", SERIAL, "descriptor"))
    assert len(descriptor) == 18
    assert descriptor[8:12] == bytes.fromhex("2505a0a4")
    assert resets(attached) == 0
    assert usbtest_once(attached, attached.guest)


def test_the_device_is_in_its_first_configuration_again_after_a_detach(attached: Uml) -> None:
    """The guest left it in configuration 2, in the middle of something."""
    run(attached, "trickle", "3", "2")
    attached.release()
    script = "cat $(dirname $(grep -lsx ZERO /sys/bus/usb/devices/*/serial))/bConfigurationValue"
    poll(lambda: attached.host.run(script).stdout.strip() == "1", 10, "configuration 1")
    attached.wait_driver(SERIAL, "usbtest")
    assert usbtest_once(attached, attached.host)


def resets(uml: Uml) -> int:
    """How often the host's kernel has reset the device since the last mark."""
    return uml.kernel_said(uml.host).count("reset high-speed USB device")


def usbtest_once(uml: Uml, machine: Machine) -> bool:
    """Whether the device does what it is for."""
    machine.wait_until("[ -e /sys/bus/usb/drivers/usbtest/*:1.0 ]", 10)
    said = uml.run(machine, "usbtest", SERIAL, "1:5:4096", "2:5:4096")
    return [json.loads(line)["problem"] for line in said.splitlines()] == ["", ""]
