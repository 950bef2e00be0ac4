"""Disks that the kernel's own mass-storage gadget makes, through the real path, into the guest's usb-storage."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import pytest

from hil.vm.uml import UmlMachine
from tests.kernel.support import MIB, Passthrough, gadget, tools

SEED = 20
EIGHT = [f"EIGHT{number}" for number in range(8)]


def noise(passthrough: Passthrough[UmlMachine], size: int, seed: int) -> tuple[str, str]:
    """A file of random bytes that both machines see, and its checksum."""
    data = random.Random(seed).randbytes(size)
    path = passthrough.rig.shared / f"noise-{seed}"
    path.write_bytes(data)
    return str(path), hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(("file_system", "size", "side"), [("ext2", 32 * MIB, "guest"), ("vfat", 4 * MIB, "host")])
def test_files_survive_detach_and_attach(uml: Passthrough[UmlMachine], file_system: str, size: int, side: str) -> None:
    """The main job: a file system made in the guest, bytes written, the device given back and taken again."""
    tools(f"mkfs.{file_system}")
    source, expected = noise(uml, size, SEED)
    with gadget(uml.host, "mass-storage", "--size", "48M", "--serial", "FS1"):
        uml.share("FS1")
        disk = uml.disk("FS1", side)
        uml.guest.run(
            f"mkfs.{file_system} {disk} >/dev/null && mount -t {file_system} {disk} /mnt &&"
            f" cp {source} /mnt/noise && umount /mnt"
        )
        uml.detach("FS1", side)
        uml.no_ghost()
        disk = uml.disk("FS1", side)
        script = f"mount -o ro -t {file_system} {disk} /mnt && sha256sum /mnt/noise && umount /mnt"
        assert uml.guest.run(script).stdout.split()[0] == expected
        uml.detach("FS1", side)
        # The same bytes in the image behind the gadget, read by the host's kernel without USB in between.
        script = "mount -o ro,loop /dev/shm/fs1.img /mnt && sha256sum /mnt/noise && umount /mnt"
        assert uml.host.run(script).stdout.split()[0] == expected


def test_every_byte_of_a_disk_is_the_backing_file_s(uml: Passthrough[UmlMachine]) -> None:
    with gadget(uml.host, "mass-storage", "--size", "16M", "--serial", "RAW1", "--seed", "3"):
        uml.share("RAW1")
        disk = uml.disk("RAW1")
        expected = hashlib.sha256(random.Random(3).randbytes(16 * MIB)).hexdigest()
        assert uml.guest.run(f"sha256sum {disk}").stdout.split()[0] == expected


def test_two_disks_copy_side_by_side(uml: Passthrough[UmlMachine]) -> None:
    """Each device has a connection and a relay of its own; what is written to one is not on the other."""
    with ExitStack() as stack:
        sums, disks = [], []
        for number in (1, 2):
            serial = f"PAR{number}"
            source, checksum = noise(uml, 8 * MIB, 30 + number)
            stack.enter_context(gadget(uml.host, "mass-storage", "--size", "8M", "--serial", serial))
            uml.share(serial)
            disks.append((uml.disk(serial), source))
            sums.append(checksum)
        copies = [
            uml.guest.start(f"dd if={source} of={disk} bs=64k oflag=direct status=none") for disk, source in disks
        ]
        assert [copy.wait(60).returncode for copy in copies] == [0, 0]
        assert [uml.guest.run(f"sha256sum {disk}").stdout.split()[0] for disk, _ in disks] == sums
        said = uml.host.run("sha256sum /dev/shm/par1.img /dev/shm/par2.img").stdout.split()[::2]
        assert said == sums


def test_eight_devices_at_once(uml: Passthrough[UmlMachine]) -> None:
    """All eight are shared, attached, read and detached at the same time, by as many processes."""
    with plugged_in(uml, EIGHT):
        for serial in EIGHT:
            uml.wait_listed(serial)
        for verb, machine in (("bind", uml.host), ("attach", uml.guest)):
            said = uml.at_once(machine, *([verb, serial] for serial in EIGHT))
        disks = [next(line for line in text.split() if line.startswith("/dev/sd")) for text in said]
        assert len(set(disks)) == 8
        reads = [uml.guest.start(["sha256sum", disk]) for disk in disks]
        read = [each.wait(60).stdout.split()[0] for each in reads]
        assert read == [hashlib.sha256(random.Random(seed).randbytes(MIB)).hexdigest() for seed in range(8)]
        assert len(uml.json(uml.guest, "state")["agent"]["attached"]) == 8
        uml.detach("--all")
        uml.no_ghost()


@contextmanager
def plugged_in(uml: Passthrough[UmlMachine], serials: Sequence[str]) -> Iterator[None]:
    """Sticks of 1 MiB, plugged in by one program: the seed of each is its number."""
    making = (
        "import sys\nfrom pathlib import Path\nfrom hil import gadgets\n"
        "for seed, serial in enumerate(sys.argv[1:]):\n"
        "    image = gadgets.make_image(Path('/dev/shm', serial), 1 << 20, seed)\n"
        "    gadgets.mass_storage(image, serial=serial).create()\n"
    )
    unmaking = "import sys\nfrom hil import gadgets\nfor serial in sys.argv[1:]: gadgets.remove(serial.lower())"
    uml.host.python("-c", making, *serials)
    try:
        yield
    finally:
        uml.host.python("-c", unmaking, *serials)
        uml.host.run("rm /dev/shm/EIGHT*")
