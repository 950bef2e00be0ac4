"""Composite devices: every function has its driver, and all are used at once."""

from __future__ import annotations

import hashlib
import random

from hil.vm.uml import UmlMachine
from tests.kernel.devices.lab import Lab

SIZE, SEED = 64 << 10, 11


def test_a_terminal_talks_while_a_disk_is_copied(lab: Lab, kernel: UmlMachine) -> None:
    with lab.plug("composite:functions=serial+storage,storage.size=4M") as plugged:
        disk, port = plugged.node("/dev/sd"), plugged.node("/dev/ttyACM")
        talk = lab.python(kernel, "hil.clients.terminal", port, "both", str(SIZE), str(SEED))
        kernel.run(
            f"set -e; dd if=/dev/urandom of=/dev/shm/noise bs=64k count=32 status=none;"
            f" dd if=/dev/shm/noise of={disk} bs=64k oflag=direct conv=nocreat status=none;"
            f" dd if={disk} bs=64k count=32 iflag=direct status=none | cmp - /dev/shm/noise; rm /dev/shm/noise"
        )
        said = talk.wait(60)
        assert not said.returncode, said.output
        assert said.stdout.split()[0] == hashlib.sha256(random.Random(SEED).randbytes(SIZE)).hexdigest()


def test_two_ports_a_keyboard_and_a_network_card(lab: Lab, kernel: UmlMachine) -> None:
    functions = "serial+keyboard+ncm+serial"
    with lab.plug(f"composite:functions={functions},serial.answer=shell") as plugged:
        nodes = [node for found in plugged.nodes.values() for node in found]
        plugged.node("/dev/input/event")
        ports = [node for node in nodes if node.startswith("/dev/ttyACM")]
        assert len(ports) == 2
        for port in ports:
            script = ["write", "expect > ", "write lines ring", "lines cts ring"]
            lab.run(kernel, "hil.clients.terminal", port, "script", *script)
        card = next(node for node in nodes if not node.startswith("/"))
        kernel.run(
            f"set -e; ip link set {card} up; ip address add 192.0.2.2/24 dev {card};"
            f" ping -q -c 3 -i 0.2 -w 10 192.0.2.1"
        )
        drivers = kernel.run("basename -a $(readlink /sys/bus/usb/devices/*-*:1.*/driver)").stdout.split()
        assert sorted(each for each in drivers if each != "hub") == ["cdc_acm"] * 4 + ["cdc_ncm"] * 2 + ["usbhid"]
