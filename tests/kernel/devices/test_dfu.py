"""dfu-util flashes the virtual device through the guest's kernel, and the device comes and goes as the real ones do."""

from __future__ import annotations

import random

from hil.vm.uml import UmlMachine
from hil.waiting import poll
from tests.kernel.devices.lab import Lab
from tests.kernel.support import tools

RUNTIME, LOADER = "1209:0008", "1209:0009"


def wait_for(lab: Lab, name: str) -> None:
    """Wait until the service lists it."""

    def there() -> bool:
        return any(each["hardware_id"] == name for each in lab.json(lab.host, "list")["devices"])

    poll(there, 20, f"{name} is there")


def test_dfu_util_upgrades_the_firmware_and_reads_it_back(lab: Lab, kernel: UmlMachine) -> None:
    tools("dfu-util")
    shared = lab.rig.shared
    image = b"FW\x07\x03" + random.Random(3).randbytes(20_000)
    (shared / "new.bin").write_bytes(image)
    with lab.plug(f"dfu:image={shared / 'flash.bin'}"):
        assert f"[{RUNTIME}]" in kernel.run("dfu-util --list").stdout
        kernel.run(f"dfu-util --detach --device {RUNTIME}")
        wait_for(lab, LOADER)
        lab.cli(lab.host, "bind", LOADER)
        lab.attach(LOADER)
        # dfu-util resets the device in the end, finds that it has gone, says that all is well and exits with 74.
        done = kernel.run(f"dfu-util --device ,{LOADER} --download {shared / 'new.bin'}", check=False)
        assert done.stdout.endswith("Resetting USB to switch back to runtime mode\nDone!\n"), done.output
        assert (shared / "flash.bin").read_bytes() == image
        wait_for(lab, RUNTIME)
        lab.attach(RUNTIME)
        assert kernel.run("cat /sys/bus/usb/devices/*/bcdDevice | grep -x 0307", check=False).stdout == "0307\n"
        kernel.run(f"dfu-util --detach --device {RUNTIME}")
        wait_for(lab, LOADER)
        lab.attach(LOADER)
        kernel.run(
            f"set -e; cd /dev/shm; rm -f old.bin; dfu-util --device ,{LOADER} --upload old.bin;"
            f" cmp old.bin {shared / 'new.bin'}"
        )
