"""Disks that the kernel's own mass-storage gadget makes, through the real path, into the guest's usb-storage."""

from __future__ import annotations

import hashlib
import random
from contextlib import ExitStack

from hil.vm.uml import UmlMachine
from tests.kernel.support import MIB, Passthrough, tools

EIGHT = [f"EIGHT{number}" for number in range(8)]


def noise(passthrough: Passthrough[UmlMachine], size: int, seed: int) -> tuple[str, str]:
    """A file of random bytes that both machines see, and its checksum."""
    data = random.Random(seed).randbytes(size)
    path = passthrough.rig.shared / f"noise-{seed}"
    path.write_bytes(data)
    return str(path), hashlib.sha256(data).hexdigest()


def test_32_mib_in_a_file_system_survive_detach_and_attach(uml: Passthrough[UmlMachine]) -> None:
    """The main job: a file system made in the guest, bytes written, the device given back and taken again."""
    tools("mkfs.ext2")
    source, expected = noise(uml, 32 * MIB, 20)
    with uml.gadget("mass-storage", "--size", "40M", "--serial", "FS1"):
        uml.share("FS1")
        disk = uml.disk("FS1", "guest")
        uml.guest.run(f"mkfs.ext2 -q {disk} && mount {disk} /mnt && cp {source} /mnt/noise && umount /mnt")
        uml.detach("FS1", "guest")
        uml.no_ghost()
        disk = uml.disk("FS1", "host")
        assert checksum(uml, f"mount -o ro {disk} /mnt && sha256sum /mnt/noise && umount /mnt") == expected
        uml.detach("FS1", "host")
        # The same bytes in the image behind the gadget, read by the host's kernel without USB in between.
        script = "mount -o ro,loop /dev/shm/fs1.img /mnt && sha256sum /mnt/noise && umount /mnt"
        assert uml.host.run(script).stdout.split()[0] == expected


def checksum(uml: Passthrough[UmlMachine], script: str) -> str:
    """The first word that a script in the guest says."""
    return uml.guest.run(script).stdout.split()[0]


def test_two_disks_copy_side_by_side(uml: Passthrough[UmlMachine]) -> None:
    """Each device has a connection and a relay of its own; what is written to one is not on the other."""
    tools("mkfs.vfat")
    with ExitStack() as stack:
        copies, sums = [], []
        for number in (1, 2):
            serial = f"PAR{number}"
            source, expected = noise(uml, 6 * MIB, 30 + number)
            stack.enter_context(uml.gadget("mass-storage", "--size", "8M", "--serial", serial))
            uml.share(serial)
            disk, folder = uml.disk(serial), f"/mnt/{number}"
            making = f"mkdir -p {folder} && mkfs.vfat {disk} >/dev/null && mount -t vfat {disk} {folder}"
            uml.guest.run(making)
            copies.append(f"cp {source} {folder}/noise && umount {folder}")
            sums.append(expected)
        running = [uml.guest.start(copy) for copy in copies]
        assert [copy.wait(60).returncode for copy in running] == [0, 0]
        for number, expected in enumerate(sums, 1):
            script = f"mount -t vfat -o ro,loop /dev/shm/par{number}.img /mnt && sha256sum /mnt/noise && umount /mnt"
            assert uml.host.run(script).stdout.split()[0] == expected


def test_eight_devices_at_once(uml: Passthrough[UmlMachine]) -> None:
    """All eight are shared, attached and read at the same time."""
    with ExitStack() as stack:
        for seed, serial in enumerate(EIGHT):
            stack.enter_context(uml.gadget("mass-storage", "--size", "1M", "--serial", serial, "--seed", str(seed)))
        uml.wait_listed(EIGHT[-1])
        uml.at_once(uml.host, "bind", EIGHT)
        disks = [node for said in uml.at_once(uml.guest, "attach", EIGHT) for node in said.split() if "/dev/sd" in node]
        assert len(set(disks)) == 8
        reading = " & ".join(f"sha256sum {disk}" for disk in disks)
        read = uml.guest.run(f"{reading} & wait").stdout.split()[::2]
        contents = [random.Random(seed).randbytes(MIB) for seed in range(8)]
        assert sorted(read) == sorted(hashlib.sha256(content).hexdigest() for content in contents)
        assert len(uml.json(uml.guest, "state")["agent"]["attached"]) == 8
        uml.detach("--all")
        uml.no_ghost()
