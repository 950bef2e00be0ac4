"""The virtual UAS disk: the uas driver at high speed with many commands in flight, usb-storage at SuperSpeed."""

from __future__ import annotations

import pytest

from hil.vm.uml import UmlMachine
from tests.kernel.devices.lab import Lab

DRIVER = "readlink -f /sys/block/{0}/device/../../../driver | sed 's,.*/,,'"
WRITERS = 8
IN_FLIGHT = """
set -e
dd if=/dev/urandom of=/dev/shm/noise bs=64k count=64 status=none
for i in $(seq 0 7); do
  dd if=/dev/shm/noise of={0} bs=64k count=8 skip=$((8*i)) seek=$((8*i)) oflag=direct conv=notrunc,nocreat status=none &
done
most=0
while [ -n "$(jobs -r)" ]; do
  set -- $(cat /sys/block/{1}/inflight); n=$(($1 + $2)); [ $n -le $most ] || most=$n
done
wait
for i in $(seq 0 7); do
  dd if={0} bs=64k count=8 skip=$((8*i)) iflag=direct status=none | sha256sum >/dev/shm/sum.$i &
done
wait
for i in $(seq 0 7); do
  dd if=/dev/shm/noise bs=64k count=8 skip=$((8*i)) status=none | sha256sum | cmp - /dev/shm/sum.$i
done
rm /dev/shm/noise /dev/shm/sum.*
echo $most
"""


def driver_of(kernel: UmlMachine, disk: str) -> str:
    return kernel.run(DRIVER.format(disk.rpartition("/")[2])).stdout.strip()


def test_uas_reads_what_it_wrote_with_several_commands_in_flight(lab: Lab, kernel: UmlMachine) -> None:
    with lab.plug("uas:size=8M") as plugged:
        disk = plugged.node("/dev/sd")
        assert driver_of(kernel, disk) == "uas"
        name = disk.rpartition("/")[2]
        assert kernel.run(f"cat /sys/block/{name}/device/queue_depth").stdout.strip() == "30"
        most = int(kernel.run(IN_FLIGHT.format(disk, name), timeout=60).stdout)
        print(f"{most} commands in flight")
        assert most > 1
        assert "uas_eh" not in lab.kernel_said(kernel)


def test_without_streams_a_superspeed_disk_is_taken_by_usb_storage(lab: Lab, kernel: UmlMachine) -> None:
    with lab.plug("uas:size=4M,speed=super") as plugged:
        disk = plugged.node("/dev/sd")
        assert driver_of(kernel, disk) == "usb-storage"
        assert "does not support streams" in lab.kernel_said(kernel)
        kernel.run(
            f"set -e; dd if=/dev/urandom of=/dev/shm/noise bs=64k count=16 status=none;"
            f" dd if=/dev/shm/noise of={disk} bs=64k oflag=direct conv=nocreat status=none;"
            f" dd if={disk} bs=64k count=16 iflag=direct status=none | cmp - /dev/shm/noise; rm /dev/shm/noise"
        )


def test_write_protection_arrives(lab: Lab, kernel: UmlMachine) -> None:
    with lab.plug("uas:ro=yes") as plugged:
        disk = plugged.node("/dev/sd")
        assert kernel.run(f"cat /sys/block/{disk.rpartition('/')[2]}/ro").stdout.strip() == "1"
        with pytest.raises(AssertionError):
            assert not kernel.run(f"dd if=/dev/zero of={disk} bs=512 count=1 conv=nocreat", check=False).returncode


LOST_STATUS = """
seed = 1
[[fault]]
where = { endpoint = 0x83 }
when = { nth = 150 }
what = "timeout"
"""


def test_a_lost_status_is_aborted_and_the_reset_disk_goes_on(lab: Lab, kernel: UmlMachine) -> None:
    plan = lab.rig.shared / "plan.toml"
    plan.write_text(LOST_STATUS)
    with lab.plug("uas:size=4M", "--faults", str(plan)) as plugged:
        disk = plugged.node("/dev/sd")
        name = disk.rpartition("/")[2]
        kernel.run(
            f"set -e; echo 1 >/sys/block/{name}/device/timeout;"
            f" dd if=/dev/urandom of=/dev/shm/noise bs=4k count=256 status=none;"
            f" dd if=/dev/shm/noise of={disk} bs=4k oflag=direct conv=nocreat status=none;"
            f" dd if={disk} bs=4k count=256 iflag=direct status=none | cmp - /dev/shm/noise; rm /dev/shm/noise",
            timeout=60,
        )
        said = lab.kernel_said(kernel)
        assert "uas_eh_abort_handler" in said
        assert "uas_eh_device_reset_handler success" in said
        assert driver_of(kernel, disk) == "uas"
