"""File systems on a disk: files stay what they are, by way of unmount, attach and power cut."""

from __future__ import annotations

import pytest

from hil.errors import WantingError
from hil.health import hung
from hil.live.device import LiveDevice
from hil.live.side import Side
from hil.probes.disk import content, pieces
from hil.probes.files import checksums
from hil.suite.disks import MIB, Region, disk, reader_of
from hil.suite.filesystems import KINDS, Kind, Volume, can_mount
from hil.suite.plugs import switched
from hil.waiting import poll

pytestmark = [pytest.mark.trait("storage"), pytest.mark.safety("destructive")]

_SEED = 815
_END_SECONDS = 40.0
"""A SCSI command that gets no answer is given up after 30 (drivers/scsi/sd.h, SD_TIMEOUT)."""
_ENDLESS = "while dd if=/dev/zero of=%s/growing bs=64k count=8 conv=fsync,notrunc oflag=append; do echo round; done"


def _volume(side: Side, dut: LiveDevice, kind: Kind) -> Volume:
    there = disk(side)
    return Volume(there, Region.of(dut, there), kind)


def _in_the_guest(dut: LiveDevice, kind: Kind) -> Volume:
    side = dut.passthrough()
    if not can_mount(side, kind):
        raise WantingError(f"{side.place.name} has no {kind.name}: {', '.join(kind.programs)} and its kernel's part")
    return _volume(side, dut, kind)


def _sizes(volume: Volume, effort: float) -> list[int]:
    """Of files: empty, a byte, around blocks, large; together a quarter of the room at most."""
    large = min(volume.region.size // 8, round(6 * MIB * effort))
    return [0, 1, 511, 512, 4097, 65_537, large, 100_003, 3, large // 3]


@pytest.mark.parametrize("name", KINDS)
def test_files_written_in_the_guest_are_there_afterwards(dut: LiveDevice, name: str, effort: float) -> None:
    """Made, filled and unmounted in the guest: clean and complete on the host, or where the guest has it anew."""
    written = _in_the_guest(dut, KINDS[name])
    written.make()
    sizes = _sizes(written, effort)
    with written.mounted() as folder:
        written.files(folder, _SEED, sizes, write=True)
    written.check()
    side = reader_of(dut, written.side)
    read = _volume(side if can_mount(side, KINDS[name]) else dut.passthrough(), dut, KINDS[name])
    read.check()
    with read.mounted() as folder:
        found = read.files(folder, _SEED, sizes)
    assert found == checksums(_SEED, sizes), f"files written in the guest, read on {read.side}"


def test_a_power_cut_in_the_middle_of_writing(dut: LiveDevice, effort: float) -> None:
    """Programs get an error and end; what was synced before is there when the disk is back, and it can be written."""
    kind = KINDS["ext2"]
    cut = _in_the_guest(dut, kind)
    sizes = _sizes(cut, effort / 4)
    cut.make()
    with switched(dut) as switch, cut.mounted() as folder:
        cut.files(folder, _SEED, sizes, write=True)
        writer = cut.side.place.start(_ENDLESS % folder)
        writer.wait_for_output("round", 60)
        switch.off()
        poll(lambda: not writer.running, _END_SECONDS, "the program that wrote to the disk has ended")
    poll(lambda: not hung(cut.side.place), _END_SECONDS, "no process of the guest hangs")
    back = _volume(dut.passthrough(), dut, kind)
    back.mend()
    with back.mounted() as folder:
        found = back.files(folder, _SEED, sizes)
    assert found == checksums(_SEED, sizes), "files that were synced before the power cut"
    length = min(back.region.size, MIB)
    _, seen = back.disk.do(
        ["write", back.region.start, length, 64 << 10, _SEED], ["read", back.region.start, length, MIB]
    )  # fmt: skip
    assert seen == pieces(content(_SEED, length)), "written and read after the power cut"
