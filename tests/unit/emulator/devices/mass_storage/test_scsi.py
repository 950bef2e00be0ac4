"""emulator.devices.mass_storage.scsi: the commands that drivers send, and how each fails."""

from __future__ import annotations

import struct

import pytest

from emulator.devices.mass_storage.inquiry import Identification
from emulator.devices.mass_storage.medium import BLOCK_SIZE, Medium, memory_medium
from emulator.devices.mass_storage.scsi import Disk
from emulator.devices.mass_storage.sense import CheckCondition, Sense

BLOCKS = 64


@pytest.fixture
def medium() -> Medium:
    return memory_medium(BLOCKS * BLOCK_SIZE)


@pytest.fixture
def disk(medium: Medium) -> Disk:
    return Disk(medium, Identification(serial="SN77"))


def run(disk: Disk, block: str) -> bytes:
    return bytes(disk.execute(bytes.fromhex(block)).data)


def fails(disk: Disk, block: str, unit: int = 0) -> Sense:
    with pytest.raises(CheckCondition) as caught:
        disk.execute(bytes.fromhex(block), unit)
    assert disk.sense is caught.value.sense
    return caught.value.sense


def test_inquiry(disk: Disk) -> None:
    answer = run(disk, "120000002400")
    assert len(answer) == 36
    assert answer[:8] == bytes((0, 0x80, 6, 2, 31, 0, 0, 0))
    assert answer[8:] == b"wslusb  Emulated stick  0001"
    assert run(disk, "120000000500") == answer[:5]
    assert run(disk, "12000000ff00") == answer


def test_vital_product_data(disk: Disk) -> None:
    assert run(disk, "12010000ff00") == bytes.fromhex("00000003 008083")
    assert run(disk, "12018000ff00") == bytes.fromhex("00800004") + b"SN77"
    page = run(disk, "12018300ff00")
    assert page[:4] == struct.pack(">BBH", 0, 0x83, len(page) - 4)
    assert page[4:8] == bytes((2, 1, 0, len(page) - 8))
    assert page.endswith(b"SN77")
    assert run(disk, "120183000600") == page[:6]


@pytest.mark.parametrize(
    "block", ["1201b000ff00", "12008000ff00", "12020000ff00", "030100001200", "9e1100000000000000000000000000200000"]
)
def test_fields_that_are_not_understood(disk: Disk, block: str) -> None:
    assert fails(disk, block) is Sense.INVALID_FIELD


def test_sense_is_kept_until_the_next_command(disk: Disk) -> None:
    assert fails(disk, "a1" + "00" * 11) is Sense.INVALID_COMMAND
    assert run(disk, "030000001200") == bytes.fromhex("70000500000000 0a 00000000 2000 00 000000")
    assert run(disk, "030000001200")[2] == 0
    fails(disk, "85" + "00" * 15)
    assert run(disk, "030000000400") == bytes.fromhex("70000500")
    fails(disk, "ff")
    run(disk, "000000000000")
    assert disk.sense is Sense.NONE


def test_capacities(disk: Disk) -> None:
    last = BLOCKS - 1
    assert run(disk, "25" + "00" * 9) == struct.pack(">II", last, 512)
    assert run(disk, "9e10" + "00" * 8 + "00000020" + "0000") == struct.pack(">QI20x", last, 512)
    assert run(disk, "9e10" + "00" * 8 + "0000000c" + "0000") == struct.pack(">QI", last, 512)
    assert run(disk, "23" + "00" * 6 + "00fc" + "00") == struct.pack(">3xBIB3s", 8, BLOCKS, 2, b"\0\2\0")


def test_mode_sense(disk: Disk) -> None:
    caching = bytes((8, 18)) + bytes(18)
    for page in ("3f", "08", "48", "88"):
        assert run(disk, f"1a00{page}00c000") == bytes((23, 0, 0, 0)) + caching
    assert run(disk, "5a003f" + "00" * 4 + "00c000") == bytes((0, 26, 0, 0, 0, 0, 0, 0)) + caching
    assert run(disk, "1a003f000400") == bytes((23, 0, 0, 0))
    assert fails(disk, "1a001c00c000") is Sense.INVALID_FIELD
    assert fails(disk, "1a00c800c000") is Sense.SAVING_UNSUPPORTED


def test_report_luns(disk: Disk) -> None:
    assert run(disk, "a0" + "00" * 5 + "00000010" + "0000") == struct.pack(">I12x", 8)


def test_units_that_do_not_exist(disk: Disk) -> None:
    assert fails(disk, "000000000000", 1) is Sense.UNSUPPORTED_UNIT
    assert bytes(disk.execute(bytes.fromhex("120000002400"), 1).data)[0] == 0x7F
    assert bytes(disk.execute(bytes.fromhex("030000001200"), 1).data)[12] == 0x25


READS = {
    6: "08 0000{:02x} {:02x} 00",
    10: "28 00 000000{:02x} 00 00{:02x} 00",
    12: "a8 00 000000{:02x} 000000{:02x} 0000",
}
READS[16] = "88 00 00000000000000{:02x} 000000{:02x} 0000"
WRITES = {size: {"08": "0a", "28": "2a", "a8": "aa", "88": "8a"}[text[:2]] + text[2:] for size, text in READS.items()}


@pytest.mark.parametrize("size", READS)
def test_read_and_write(disk: Disk, medium: Medium, size: int) -> None:
    task = disk.execute(bytes.fromhex(WRITES[size].format(5, 2)))
    assert task.target is not None
    task.target[:] = bytes(range(256)) * 4
    disk.complete(task)
    assert medium.data[5 * 512 : 7 * 512] == bytes(range(256)) * 4
    assert run(disk, READS[size].format(5, 2)) == bytes(range(256)) * 4
    assert fails(disk, READS[size].format(BLOCKS - 1, 2)) is Sense.BLOCK_OUT_OF_RANGE
    assert fails(disk, WRITES[size].format(BLOCKS, 1)) is Sense.BLOCK_OUT_OF_RANGE


def test_reads_are_slices_of_the_medium(disk: Disk, medium: Medium) -> None:
    data = disk.execute(bytes.fromhex(READS[10].format(3, 4))).data
    assert isinstance(data, memoryview)
    assert data.obj is medium.data.obj


def test_count_of_zero(disk: Disk) -> None:
    assert run(disk, READS[10].format(BLOCKS, 0)) == b""
    assert fails(disk, READS[6].format(0, 0)) is Sense.BLOCK_OUT_OF_RANGE, "READ(6): 256 blocks, and there are 64"


def test_huge_block_numbers(disk: Disk) -> None:
    assert fails(disk, "88 00 ffffffffffffffff ffffffff 0000") is Sense.BLOCK_OUT_OF_RANGE
    assert fails(disk, "28 00 ffffffff 00 ffff 00") is Sense.BLOCK_OUT_OF_RANGE
    assert fails(disk, "28 20 00000000 00 0001 00") is Sense.INVALID_FIELD


def test_verify(disk: Disk, medium: Medium) -> None:
    assert run(disk, "2f 00 00000000 00 0040 00") == b""
    assert fails(disk, "2f 00 00000000 00 0041 00") is Sense.BLOCK_OUT_OF_RANGE
    for block in ("2f 02 00000001 00 0001 00", "8f 02 0000000000000001 00000001 0000"):
        task = disk.execute(bytes.fromhex(block))
        assert task.target is not None
        disk.complete(task)
        task.target[3] = 1
        with pytest.raises(CheckCondition):
            disk.complete(task)
        assert disk.sense is Sense.MISCOMPARE
    assert not any(medium.data)


def test_eject_and_load(disk: Disk) -> None:
    run(disk, "1e0000000100")
    assert fails(disk, "1b0000000200") is Sense.REMOVAL_PREVENTED
    run(disk, "1e0000000000")
    run(disk, "1b0000000000")
    run(disk, "000000000000")
    run(disk, "1b0000000200")
    needing_medium = (
        "00" * 6,
        "25" + "00" * 9,
        READS[10].format(0, 1),
        "23" + "00" * 9,
        "35" + "00" * 9,
        "1e0000000100",
    )
    for block in needing_medium:
        assert fails(disk, block) is Sense.MEDIUM_NOT_PRESENT
    run(disk, "1b0000000300")
    run(disk, "000000000000")


def test_reset_gives_up_the_lock(disk: Disk) -> None:
    run(disk, "1e0000000100")
    disk.reset()
    run(disk, "1b0000000200")


def test_write_protection() -> None:
    disk = Disk(memory_medium(4096, read_only=True), Identification())
    assert fails(disk, WRITES[10].format(0, 1)) is Sense.WRITE_PROTECTED
    assert run(disk, "1a003f000400")[2] == 0x80
    assert run(disk, "5a003f" + "00" * 4 + "000800")[3] == 0x80
    assert run(disk, "35" + "00" * 9) == b""
