"""The virtual stick under usb-storage, at every speed that it has."""

from __future__ import annotations

from hil.vm.uml import UmlMachine
from tests.kernel.devices.lab import Lab


def test_usb_storage_reads_what_it_wrote(lab: Lab, kernel: UmlMachine) -> None:
    with lab.plug("storage:size=4M") as plugged:
        disk = plugged.node("/dev/sd")
        kernel.run(
            f"set -e; dd if=/dev/urandom of=/dev/shm/noise bs=64k count=32 status=none;"
            f" dd if=/dev/shm/noise of={disk} bs=64k oflag=direct conv=nocreat status=none;"
            f" dd if={disk} bs=64k count=32 iflag=direct status=none | cmp - /dev/shm/noise; rm /dev/shm/noise"
        )
        lab.wait_driver_in_guest("usb-storage")
