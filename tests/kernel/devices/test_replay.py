"""Captures of virtual devices, replayed as devices: the guest's kernel enumerates them and its drivers use them."""

from __future__ import annotations

from hil.vm.uml import UmlMachine
from tests.kernel.devices.lab import Lab
from tests.kernel.devices.test_keyboard import spell
from tests.kernel.support import PROGRAMS, poll

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
