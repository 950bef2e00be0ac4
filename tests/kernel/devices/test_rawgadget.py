"""A virtual device on a device controller: hardware to its own machine, which exports it like any other."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from hil.vm.remote import Process
from hil.vm.uml import UmlMachine
from tests.kernel.devices.lab import Lab
from tests.kernel.support import terminate


@contextmanager
def on_controller(machine: UmlMachine, device: str) -> Iterator[Process]:
    command = [sys.executable, "-m", "emulator.rawgadget", device, "--udc", "dummy_udc.1"]
    with machine.start(command) as process:
        process.wait_for_output("is on dummy_udc.1", 30)
        yield process
        ended = terminate(process)
        assert ended.returncode == 0, ended.output


def test_a_stick_that_is_hardware_to_one_machine_and_attached_to_another(lab: Lab, kernel: UmlMachine) -> None:
    with on_controller(lab.host, "storage:serial=RAW1,size=2M"):
        lab.wait_listed("RAW1")
        native = lab.host_disk("RAW1")
        lab.host.run(f"dd if=/dev/urandom of={native} bs=64k count=16 oflag=direct conv=nocreat status=none")
        digest = lab.host.run(f"dd if={native} bs=64k count=16 iflag=direct status=none | sha256sum").stdout
        with lab.physical("RAW1"):
            disk = lab.disk("RAW1")
            assert kernel.run(f"dd if={disk} bs=64k count=16 iflag=direct status=none | sha256sum").stdout == digest
            lab.detach()
            lab.wait_driver("RAW1", "usb-storage")


def test_a_terminal_talks_with_it_on_both_machines(lab: Lab, kernel: UmlMachine) -> None:
    bytes_both_ways = ("both", str(16 << 10), "7", "115200")
    with on_controller(lab.host, "serial:serial=RAW3"):
        lab.wait_listed("RAW3")
        lab.host.wait_until("[ -c /dev/ttyACM0 ]", 10)
        direct = lab.run(lab.host, "hil.clients.terminal", "/dev/ttyACM0", *bytes_both_ways)
        with lab.physical("RAW3"):
            node = next(node for node in lab.attach("RAW3") if node.startswith("/dev/ttyACM"))
            through = lab.run(kernel, "hil.clients.terminal", node, *bytes_both_ways)
        assert through.split()[0] == direct.split()[0], "the same checksum"


def test_a_device_comes_back_as_another(lab: Lab) -> None:
    with on_controller(lab.host, "dfu:serial=RAW4"):
        lab.wait_listed("RAW4")
        before = lab.host.run("grep -lx RAW4 /sys/bus/usb/devices/*/serial | xargs dirname").stdout.strip()
        product = lab.host.run(f"cat {before}/idProduct").stdout
        lab.host.run("dfu-util --detach", check=False)
        lab.host.wait_until(f"[ -e {before}/idProduct ] && ! grep -qx {product.strip()} {before}/idProduct", 15)


def test_the_host_sees_it_go(lab: Lab) -> None:
    with on_controller(lab.host, "loopback:serial=RAW2"):
        lab.wait_listed("RAW2")
    lab.host.wait_until("! grep -qsx RAW2 /sys/bus/usb/devices/*/serial", 5)
