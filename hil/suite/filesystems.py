"""A file system in the part of a disk that tests may write: a loop device keeps it there."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hil.live.side import Side, probe
from hil.suite.disks import Disk, Region

__all__ = ["KINDS", "Kind", "Volume", "can_mount"]

_SECONDS = 120.0


@dataclass(slots=True, frozen=True)
class Kind:
    """How a file system is made, checked without touching it, and mended."""

    name: str
    make: str
    check: str
    mend: str

    @property
    def programs(self) -> tuple[str, ...]:
        """What a machine must have for it."""
        return self.make.split()[0], self.check.split()[0], "losetup", "mount"


KINDS = {
    "ext2": Kind("ext2", "mkfs.ext2 -q -F", "fsck.ext2 -fn", "fsck.ext2 -fy"),
    "vfat": Kind("vfat", "mkfs.vfat", "fsck.vfat -n", "fsck.vfat -a"),
}


@dataclass(slots=True, frozen=True)
class Volume:
    """A file system on one side."""

    disk: Disk
    region: Region
    kind: Kind

    @property
    def side(self) -> Side:
        """Where it is."""
        return self.disk.side

    def make(self) -> None:
        """Make it anew."""
        self._on_loop(self.kind.make)

    def check(self) -> None:
        """AssertionError, with what the checker says, if it is not clean."""
        self._on_loop(self.kind.check)

    def mend(self) -> None:
        """Have the checker mend it, as after a power cut. AssertionError if it cannot (fsck(8): more than 1)."""
        self._on_loop(self.kind.mend, "|| [ $? = 1 ]")

    @contextlib.contextmanager
    def mounted(self) -> Iterator[str]:
        """The folder that it is mounted on."""
        made = self._run(
            f"{self._loop}; folder=$(mktemp -d); mount -t {self.kind.name} $loop $folder; echo $loop $folder"
        )
        loop, folder = made.split()
        try:
            yield folder
        finally:
            # A disk that was pulled out cannot be written to any more, and is unmounted all the same.
            self._run(f"umount {folder}; losetup --detach {loop}; rmdir {folder}")

    def files(self, folder: str, seed: int, sizes: Sequence[int], *, write: bool = False) -> list[str]:
        """See :mod:`hil.probes.files`."""
        side = self.side
        words = {"folder": folder, "seed": seed, "sizes": sizes, "write": write}
        found: list[str] = probe(side.daemons, side.place, "files", _SECONDS, **words)
        return found

    @property
    def _loop(self) -> str:
        where = f"--offset {self.region.start} --sizelimit {self.region.size} {shlex.quote(self.disk.node)}"
        return f"loop=$(losetup --find --show {where})"

    def _on_loop(self, command: str, otherwise: str = "") -> None:
        self._run(f"{self._loop}; trap 'losetup --detach $loop' EXIT; {command} $loop {otherwise}")

    def _run(self, script: str) -> str:
        result = self.side.place.run(f"set -e; PATH=$PATH:/usr/sbin:/sbin; {script}", timeout=_SECONDS, check=False)
        assert not result.returncode, f"{self.kind.name} on {self.side}: {result.output.strip()[-600:]}"
        return result.stdout


def can_mount(side: Side, kind: Kind) -> bool:
    """Whether a side has the kernel and the programs for it."""
    tools = " && ".join(f"command -v {program}" for program in kind.programs)
    drivers = (
        f"modprobe -q loop; modprobe -q {kind.name}; [ -e /dev/loop-control ] && grep -qw {kind.name} /proc/filesystems"
    )
    script = f"PATH=$PATH:/usr/sbin:/sbin; {tools} && {{ {drivers}; }}"
    return side.has_kernel and not side.place.run(script, check=False).returncode
