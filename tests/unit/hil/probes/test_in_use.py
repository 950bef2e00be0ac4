"""What a machine lives on, read from trees that look like its /proc and /sys."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hil.probes import in_use

USB = "sys/devices/pci0000:00/0000:00:14.0/usb1"
STICK = f"{USB}/1-2/1-2:1.0/host0/target0:0:0/0:0:0:0/block/sda"
BEHIND_HUB = f"{USB}/1-4/1-4.3/1-4.3:1.0/host1/target1:0:0/1:0:0:0/block/sdb"
SATA = "sys/devices/pci0000:00/0000:00:17.0/ata1/host2/target2:0:0/2:0:0:0/block/sdc"
CARD = f"{USB}/1-5/1-5:2.0/net/enx0"
WIFI = "sys/devices/pci0000:00/0000:00:1c.0/0000:01:00.0/net/wlp1s0"
HEADER = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"


class Machine:
    """A tree that can be filled."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.mounts = ["21 1 0:21 / /proc rw - proc proc rw"]

    def link(self, name: str, target: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(os.path.relpath(self.root / target, path.parent))

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def disk(self, folder: str, number: str) -> None:
        """A disk with one partition, ``number`` its major:minor."""
        partition = f"{folder}/{Path(folder).name}1"
        self.write(f"{partition}/partition", "1")
        self.link(f"sys/dev/block/{number}", partition)
        for device in (folder, partition):
            self.link(f"sys/class/block/{Path(device).name}", device)
            self.write(f"dev/{Path(device).name}", "")

    def volume(self, name: str, number: str, *parts: str) -> None:
        """A volume of the device mapper that is made of ``parts``."""
        folder = f"sys/devices/virtual/block/{name}"
        (self.root / folder / "slaves").mkdir(parents=True)
        for part in parts:
            self.link(f"{folder}/slaves/{Path(part).name}", part)
        self.link(f"sys/dev/block/{number}", folder)
        self.link(f"sys/class/block/{name}", folder)
        self.write(f"dev/{name}", "")

    def mount(self, number: str, where: str, source: str = "/dev/x", kind: str = "ext4") -> None:
        self.mounts.append(f"30 1 {number} / {where} rw,relatime shared:1 - {kind} {source} rw")

    def card(self, folder: str) -> None:
        (self.root / folder).mkdir(parents=True)
        self.link(f"{folder}/device", str(Path(folder).parent.parent))
        self.link(f"sys/class/net/{Path(folder).name}", folder)

    def run(self, peer: str = "") -> dict[str, dict[str, list[str]]]:
        self.write("proc/self/mountinfo", "\n".join(self.mounts) + "\n")
        return in_use.run(str(self.root), peer)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    made.disk(STICK, "8:1")
    made.disk(BEHIND_HUB, "8:17")
    made.disk(SATA, "8:33")
    made.card(CARD)
    made.card(WIFI)
    return made


def route(interface: str, destination: str, mask: str, flags: str = "0003") -> str:
    return f"{interface} {destination} 00000000 {flags} 0 0 0 {mask} 0 0 0\n"


DEFAULT = ("00000000", "00000000")
TEN = ("0000000A", "000000FF")
TEN_ONE = ("0000010A", "0000FFFF")


def test_disks_are_found_by_what_is_mounted_from_them(machine: Machine) -> None:
    machine.mount("8:1", "/")
    machine.mount("8:1", "/home")
    machine.mount("8:17", r"/media/my\040stick")
    machine.mount("8:33", "/srv")
    assert machine.run()["disks"] == {"1-2": ["/", "/home"], "1-4.3": ["/media/my stick"]}


def test_what_is_not_mounted_is_not_in_use(machine: Machine) -> None:
    assert machine.run() == {"disks": {}, "networks": {}}


def test_an_encrypted_volume_upon_a_usb_disk_is_that_disk(machine: Machine) -> None:
    machine.volume("dm-0", "253:0", f"{STICK}/sda1")
    machine.volume("dm-1", "253:1", "sys/devices/virtual/block/dm-0")
    machine.mount("253:1", "/")
    assert machine.run()["disks"] == {"1-2": ["/"]}


def test_a_raid_is_all_of_its_disks_also_by_a_partition_of_it(machine: Machine) -> None:
    machine.volume("md0", "9:0", f"{STICK}/sda1", f"{BEHIND_HUB}/sdb1")
    machine.write("sys/devices/virtual/block/md0/md0p1/partition", "1")
    machine.link("sys/dev/block/259:0", "sys/devices/virtual/block/md0/md0p1")
    machine.mount("259:0", "/var")
    assert machine.run()["disks"] == {"1-2": ["/var"], "1-4.3": ["/var"]}


def test_a_btrfs_names_one_of_its_devices_and_is_all_of_them(machine: Machine) -> None:
    for folder in (f"{STICK}/sda1", f"{BEHIND_HUB}/sdb1"):
        machine.link(f"sys/fs/btrfs/0b-1d/devices/{Path(folder).name}", folder)
    machine.mount("0:40", "/", "/dev/sda1", "btrfs")
    assert machine.run()["disks"] == {"1-2": ["/"], "1-4.3": ["/"]}


def test_swap_is_found_also_by_a_name_of_the_device_mapper(machine: Machine) -> None:
    machine.volume("dm-0", "253:0", f"{STICK}/sda1")
    machine.link("dev/mapper/swap", "dev/dm-0")
    machine.write(
        "proc/swaps",
        "Filename Type Size Used Priority\n"
        "/dev/mapper/swap partition 1 0 -2\n/dev/sdb1 partition 1 0 -3\n/file file 1 0 -4\n",
    )
    assert machine.run()["disks"] == {"1-2": ["swap"], "1-4.3": ["swap"]}


def test_lines_that_are_not_understood_are_passed_over(machine: Machine) -> None:
    machine.mounts += ["", "x", "1 2 3", "1 2 8:1 / /x rw"]
    machine.write("proc/swaps", "")
    assert machine.run()["disks"] == {"1-2": ["/x"]}


def test_the_card_of_the_default_route_is_in_use(machine: Machine) -> None:
    machine.write("proc/net/route", HEADER + route("enx0", *DEFAULT) + route("wlp1s0", *TEN))
    assert machine.run("10.1.2.3")["networks"] == {"1-5": ["the default route"]}


def test_the_card_towards_the_ssh_client_is_that_of_the_most_specific_route(machine: Machine) -> None:
    machine.write(
        "proc/net/route", HEADER + route("wlp1s0", *DEFAULT) + route("wlp1s0", *TEN) + route("enx0", *TEN_ONE)
    )
    assert machine.run("10.1.2.3")["networks"] == {"1-5": ["the SSH connection from 10.1.2.3"]}
    assert machine.run("10.2.2.3")["networks"] == {}
    assert machine.run("::ffff:10.1.2.3")["networks"] == {"1-5": ["the SSH connection from ::ffff:10.1.2.3"]}


def test_routes_that_are_down_or_refuse_carry_nothing(machine: Machine) -> None:
    machine.write("proc/net/route", HEADER + route("enx0", *DEFAULT, "0002") + route("enx0", *DEFAULT, "0201"))
    assert machine.run("10.1.2.3")["networks"] == {}


def test_ipv6_has_default_routes_and_clients_too(machine: Machine) -> None:
    zero, unused = f"{0:032x}", f"{0:032x} 00 {0:032x} 00000400 1 0"
    documentation = f"{0x20010DB8 << 96:032x}"
    machine.write(
        "proc/net/ipv6_route",
        f"{zero} 00 {unused} 00200200 lo\n{zero} 00 {unused} 00000003 wlp1s0\n"
        f"{documentation} 20 {unused} 00000001 enx0\n",
    )
    assert machine.run("2001:db8::7")["networks"] == {"1-5": ["the SSH connection from 2001:db8::7"]}
    assert machine.run("fe80::1%enx0")["networks"] == {"1-5": ["the SSH connection from fe80::1%enx0"]}
    assert machine.run("fd00::1")["networks"] == {}


def test_a_card_below_a_bridge_is_what_the_bridge_carries(machine: Machine) -> None:
    folder = "sys/devices/virtual/net/br0"
    (machine.root / folder).mkdir(parents=True)
    machine.link("sys/class/net/br0", folder)
    machine.link(f"{folder}/lower_enx0", CARD)
    machine.write("proc/net/route", HEADER + route("br0", *DEFAULT))
    assert machine.run()["networks"] == {"1-5": ["the default route"]}


def test_the_ssh_client_is_that_of_this_process_or_of_one_above(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.write("proc/net/route", HEADER + route("enx0", *TEN))
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.7 50000 10.0.0.1 22")
    assert in_use.run(str(machine.root))["networks"] == {"1-5": ["the SSH connection from 10.0.0.7"]}
    monkeypatch.delenv("SSH_CONNECTION")
    assert in_use.run(str(machine.root))["networks"] == {}
    me = os.getpid()
    machine.write(f"proc/{me}/environ", "A=1\0")
    machine.write(f"proc/{me}/stat", f"{me} (a) b) S 77 1 1")
    machine.write("proc/77/environ", "SSH_CONNECTION=10.0.0.8 50000 10.0.0.1 22\0B=2\0")
    assert in_use.run(str(machine.root))["networks"] == {"1-5": ["the SSH connection from 10.0.0.8"]}


def test_a_peer_that_is_no_address_is_no_connection(machine: Machine) -> None:
    machine.write("proc/net/route", HEADER + route("enx0", *TEN))
    assert machine.run("UNKNOWN")["networks"] == {}


def test_this_machine_can_be_asked() -> None:
    assert in_use.run().keys() == {"disks", "networks"}
