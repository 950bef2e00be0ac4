"""Captures of virtual devices, replayed as devices: the guest's kernel enumerates them and its drivers use them."""

from __future__ import annotations

import time

from hil.vm.uml import UmlMachine
from hil.waiting import poll
from tests.integration.device_bench import Bench
from tests.kernel.devices.lab import Lab
from tests.kernel.devices.test_keyboard import spell
from tests.kernel.support import PROGRAMS
from tests.support.recording import recorded
from wslusb.usb.ids import TransferType
from wslusb.usb.setup import Request, Setup
from wslusb.usb.urb import Completion, Status, Urb, UrbFlag

READ = "dd if={disk} bs=64k count=16 iflag=direct status=none | sha256sum"


def test_usb_storage_reads_the_sectors_that_the_capture_holds(lab: Lab, kernel: UmlMachine) -> None:
    path = lab.rig.shared / "stick.pcapng"
    with lab.provide(f"tests.support.recording:{path},emulator:storage:size=2M") as plugged:
        disk = plugged.node("/dev/sd")
        kernel.run(f"dd if=/dev/urandom of={disk} bs=64k count=16 oflag=direct conv=nocreat status=none")
        truth = kernel.run(READ.format(disk=disk)).stdout
    with lab.provide(f"replay:{path}") as plugged:
        disk = plugged.node("/dev/sd")
        lab.wait_driver_in_guest("usb-storage")
        assert kernel.run(READ.format(disk=disk)).stdout == truth
        # Other commands than the capture's: single blocks, backwards.
        script = f"for n in 9 7 0; do dd if={disk} bs=4k skip=$n count=1 iflag=direct status=none; done | wc -c"
        assert kernel.run(script).stdout.strip() == str(3 * 4096)


def test_usbhid_hears_the_keys_of_the_capture(lab: Lab, kernel: UmlMachine) -> None:
    """At their own times: usbhid drops what comes within 50 ms of an opening (drivers/hid/usbhid/hid-core.c)."""
    path = lab.rig.shared / "keyboard.pcapng"
    keyboard = r"emulator:keyboard:text=Replay\n,wait=200,pace=5"
    for spec in (f"tests.support.recording:{path},{keyboard}", f"replay:{path},clock=recorded"):
        with lab.provide(spec) as plugged:
            node = plugged.node("/dev/input/event")
            lab.wait_driver_in_guest("usbhid")
            keys = lab.python(kernel, str(PROGRAMS / "keys.py"), node)
            poll(lambda keys=keys: "Replay\n" in spell(keys.output), 20, f"the text from {spec}")  # type: ignore[misc]


def test_a_device_that_was_pulled_out_in_the_capture_leaves_the_guest(lab: Lab, kernel: UmlMachine) -> None:
    path, now = lab.rig.shared / "unplugged.pcapng", time.time_ns()
    device = recorded(path, "emulator:keyboard")
    device._tape.now = lambda: now
    Bench(device).control(Setup(0x81, Request.GET_DESCRIPTOR, 0x2200, 0, 255)).wait()
    report = Urb(0, 0x81, TransferType.INTERRUPT, 8, UrbFlag.SHORT_OK)
    key = device._begin(report)
    now += 3_000_000_000
    device._end(key, Completion(report, Status.GONE))
    device.close()
    with lab.provide(f"replay:{path},clock=recorded") as plugged:
        lab.python(kernel, str(PROGRAMS / "keys.py"), plugged.node("/dev/input/event"))  # so that it is asked
        devices = "ls /sys/bus/usb/devices/*-*/bDeviceClass 2>/dev/null"
        poll(lambda: not kernel.run(devices, check=False).stdout, 20, "the keyboard has left the guest")
        assert lab.json(lab.host, "list")["devices"] == []
