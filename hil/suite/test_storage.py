"""Disks: what is written on one side is read on the other, at every size and place."""

from __future__ import annotations

from typing import Any

import pytest

from hil.harness.fixtures import Both, Measure
from hil.live.device import LiveDevice
from hil.live.side import Side
from hil.probes.disk import PIECE, content, pieces, scattered
from hil.suite.disks import MIB, Disk, Region, disk, reader_of, units, writer_of

pytestmark = pytest.mark.trait("storage")

_SEED = 4711
_MARKERS = 64
_SIDES = pytest.mark.parametrize("where", ["natively", "in the guest"])
_COMMANDS = [
    ["000000000000", 0],  # TEST UNIT READY
    ["120000002400", 36], ["12000000ff00", 255], ["120100002000", 32], ["120180004000", 64], ["120183006000", 96],
    ["25000000000000000000", 8],
    ["1a003f00c000", 192],
    ["ff0000000000", 0], ["ff0000000000", 512],  # no such command
    ["2800fffffffe00000100", 512],  # READ(10) behind the end
    ["000000000000", 0],
]  # fmt: skip
_SPEED_SIZES = (4 << 10, 16 << 10, 64 << 10, 256 << 10, MIB)


def _differ(native: list[str], passthrough: list[str], start: int) -> str:
    """Where two lists of checksums part, for a person; empty if they do not."""
    if len(native) != len(passthrough):
        return f"{len(native)} pieces of {PIECE} bytes on one side and {len(passthrough)} on the other, from {start} on"
    wrong = [at for at, pair in enumerate(zip(native, passthrough, strict=True)) if pair[0] != pair[1]]
    if not wrong:
        return ""
    places = ", ".join(f"{start + at * PIECE:#x}" for at in wrong[:4])
    return (
        f"{len(wrong)} of {len(native)} pieces of {PIECE} bytes differ, those at {places}{', ...' * (len(wrong) > 4)}"
    )


def test_it_answers_commands_the_same_way(both: Both) -> None:
    """INQUIRY, its pages, capacity and mode pages; commands that it has not are refused with the same sense."""
    native, passthrough = both.probe("bulk_only", commands=_COMMANDS)
    if native is None:
        pytest.skip("it does not speak Bulk-Only Transport")
    assert passthrough == native
    assert passthrough[-1]["passed"], f"after what it refused it is not ready: sense {passthrough[-1]['sense']}"


def test_the_kernels_have_the_same_disk(dut: LiveDevice) -> None:
    """Capacity, block sizes, write protection, cache, INQUIRY; without a kernel on the host, by URBs there."""
    native = dut.native()
    if native.has_kernel:
        there, here = units(native), units(dut.passthrough())
        assert len(here) == len(there), f"{len(there)} disks natively, in the guest {len(here)}"
        for of_host, of_guest in zip(there, here, strict=True):
            assert {**of_guest.facts, "node": ""} == {**of_host.facts, "node": ""}
        return
    answers = native.probe("bulk_only", commands=[["120000002400", 36], ["25000000000000000000", 8]])
    if answers is None:
        pytest.skip("it does not speak Bulk-Only Transport, and no kernel has it natively")
    inquiry, capacity = (bytes.fromhex(each["data"]) for each in answers)
    facts = disk(dut.passthrough()).facts
    last, block = int.from_bytes(capacity[:4], "big"), int.from_bytes(capacity[4:], "big")
    assert (facts["size"], facts["block_size"]) == ((last + 1) * block, block)
    assert bytes.fromhex(facts["inquiry"])[:36] == inquiry


def test_both_sides_read_the_same(dut: LiveDevice, effort: float) -> None:
    """The first MiBs and the last, a side with other sizes of reads than the other."""
    first = disk(writer_of(dut, "natively") if not dut.is_virtual else dut.passthrough())
    length = min(first.size, max(MIB, round(8 * MIB * effort))) // first.block * first.block
    offsets = sorted({0, first.size - length})
    natively = first.do(*(["read", offset, length, MIB] for offset in offsets))
    second = disk(reader_of(dut, first.side))
    chunks = (96 * 1024, 7 * second.block * 8)
    again = second.do(*(["read", offset, length, chunk] for offset in offsets for chunk in chunks))
    for number, offset in enumerate(offsets):
        for at, chunk in enumerate(chunks):
            wrong = _differ(natively[number], again[number * len(chunks) + at], offset)
            assert not wrong, f"reads of {MIB} on {first.side} against {chunk} on {second.side}: {wrong}"


def test_the_disk_ends_where_it_says(both: Both) -> None:
    """The last block can be read and nothing is behind it: a read across the end stops there."""
    found = {}
    for side in both.with_kernel():
        there = disk(side)
        end, block = there.size, there.block
        found[side.name] = there.do(
            ["count", end - block, block], ["count", end, block], ["count", end - 3 * block, 8 * block]
        )  # fmt: skip
        assert found[side.name] == [block, 0, 3 * block], f"{side}: bytes read of the last block, behind it, across it"


def test_readers_at_the_same_time(passthrough: Side, effort: float) -> None:
    """Four programs read: overlapping parts, each what one reader alone has read."""
    there = disk(passthrough)
    length = min(there.size // 2, max(MIB, round(4 * MIB * effort))) // PIECE * PIECE
    step = length // 4 // PIECE * PIECE
    ranges = [[number * step, length - number * step] for number in range(4)]
    alone, together = there.do(["read", 0, length, MIB], ["readers", ranges, 32 * 1024])
    for (offset, _), found in zip(ranges, together, strict=True):
        wrong = _differ(alone[offset // PIECE :], found, offset)
        assert not wrong, f"one of four readers: {wrong}"


def _patterns(region: Region, effort: float) -> list[tuple[int, int, int]]:
    """Offset, length, bytes a write: from one block to MiBs, one behind the other, and the last block."""
    block = region.block
    largest = min(region.size // 2, max(MIB, round(4 * MIB * effort))) // block * block
    sizes = [
        (block, block), (3 * block, block), (7 * block, 7 * block), (8 * block, 8 * block), (65 * block, 64 * block),
        (129 * block, 129 * block), (241 * block, 240 * block), (255 * block, 17 * block), (largest, MIB),
    ]  # fmt: skip
    found, at = [], region.start
    for length, chunk in sizes:
        if at + length <= region.start + region.size - block:
            found.append((at, length, chunk))
            at += length
    return [*found, (region.start + region.size - block, block, block)]


@pytest.mark.safety("destructive")
@_SIDES
def test_what_is_written_on_one_side_is_read_on_the_other(dut: LiveDevice, where: str, effort: float) -> None:
    """Patterns from one block to MiBs, in odd counts of blocks, from the first to the last byte that may be written."""
    writer = disk(writer_of(dut, where))
    region = Region.of(dut, writer)
    patterns = _patterns(region, effort)
    writer.do(*(["write", at, length, chunk, _SEED + at] for at, length, chunk in patterns))
    reader = disk(reader_of(dut, writer.side))
    found = reader.do(*(["read", at, length, min(MIB, 5 * chunk)] for at, length, chunk in patterns))
    for (at, length, chunk), seen in zip(patterns, found, strict=True):
        wrong = _differ(pieces(content(_SEED + at, length)), seen, at)
        assert not wrong, f"{length} bytes written {where} at {at}, {chunk} at a time, read on {reader.side}: {wrong}"


def _markers(region: Region) -> list[int]:
    """Blocks all over, the last below each power of two among them: there begins anew what pretends to be larger."""
    block, end = region.block, region.start + region.size
    step = max(region.size // _MARKERS // block, 1) * block
    powers = [(1 << bits) - block for bits in range(block.bit_length(), end.bit_length())]
    return sorted({*range(region.start, end, step), *(at for at in powers if at >= region.start), end - block})


@pytest.mark.safety("destructive")
def test_the_disk_is_as_large_as_it_says(dut: LiveDevice) -> None:
    """A block here and there, each with content of its own, from the first byte that may be written to the last."""
    writer = disk(dut.passthrough())
    region = Region.of(dut, writer)
    block, places = region.block, _markers(region)
    writer.do(*(["write", at, block, block, _SEED + at] for at in places))
    reader = disk(reader_of(dut, writer.side))
    found = reader.do(*(["read", at, block, block] for at in places))
    kept = {at: seen == pieces(content(_SEED + at, block)) for at, seen in zip(places, found, strict=True)}
    lost = [f"{at:#x}" for at, same in kept.items() if not same]
    assert not lost, f"{len(lost)} of {len(places)} blocks have not what was written to them, the first at {lost[0]}"


@pytest.mark.safety("destructive")
@_SIDES
def test_scattered_writes_change_what_they_say_and_nothing_else(dut: LiveDevice, where: str, effort: float) -> None:
    """Writes of random sizes at random places, one over the other: in the end every block has what came to it last."""
    writer = disk(writer_of(dut, where))
    region = Region.of(dut, writer)
    length = min(region.size, 2 * MIB)
    count = max(8, round(60 * effort))
    writer.do(
        ["write", region.start, length, MIB, _SEED], ["scatter", region.start, length, _SEED, region.block, count]
    )  # fmt: skip
    expected = bytearray(content(_SEED, length))
    for at, data in scattered(_SEED, length, region.block, count):
        expected[at : at + len(data)] = data
    reader = disk(reader_of(dut, writer.side))
    (seen,) = reader.do(["read", region.start, length, 256 * 1024])
    wrong = _differ(pieces(bytes(expected)), seen, region.start)
    assert not wrong, f"after {count} writes {where}, seed {_SEED}, read on {reader.side}: {wrong}"


@pytest.mark.safety("destructive")
def test_readers_beside_a_writer(dut: LiveDevice, effort: float) -> None:
    """Four programs read what was written before while a fifth writes behind it: nobody gets another's blocks."""
    there = disk(dut.passthrough())
    region = Region.of(dut, there)
    length = min(region.size // 2, max(MIB, round(4 * MIB * effort))) // PIECE * PIECE
    behind = region.start + length
    step = length // 4 // PIECE * PIECE
    ranges = [[region.start + number * step, length - number * step] for number in range(4)]
    _, together, after = there.do(
        ["write", region.start, length, MIB, _SEED + 2],
        ["readers", ranges, 32 * 1024, [behind, length, _SEED + 3]],
        ["read", behind, length, MIB],
    )
    data = content(_SEED + 2, length)
    for (offset, _), found in zip(ranges, together, strict=True):
        wrong = _differ(pieces(data[offset - region.start :]), found, offset)
        assert not wrong, f"one of four readers: {wrong}"
    assert not (wrong := _differ(pieces(content(_SEED + 3, length)), after, behind)), f"what the writer wrote: {wrong}"


@pytest.mark.safety("destructive")
def test_what_was_flushed_is_on_the_disk(dut: LiveDevice) -> None:
    """Written through the cache in the guest, then fsync: it is there after the device was taken away at once."""
    writer = disk(dut.passthrough())
    region = Region.of(dut, writer)
    length = min(region.size, 4 * MIB)
    writer.do(["write cached", region.start, length, _SEED + 1])
    reader = disk(reader_of(dut, writer.side))
    (seen,) = reader.do(["read", region.start, length, MIB])
    assert not (wrong := _differ(pieces(content(_SEED + 1, length)), seen, region.start)), wrong


def _rates(both: Both, direction: str, span: Any, effort: float) -> dict[str, list[list[float]]]:
    """By side: the samples of each size."""
    found: dict[str, list[list[float]]] = {}
    for side in both:
        if not side.has_kernel:
            found[side.name] = [[] for _ in _SPEED_SIZES]
            continue
        there = disk(side)
        start, size = span(there)
        steps = []
        for chunk in _SPEED_SIZES:
            length = min(size, chunk * max(4, round(min(4 * MIB // chunk, 40) * effort))) // chunk * chunk
            steps.append(["speed", direction, start, max(chunk, length), chunk, 3])
        found[side.name] = there.do(*steps)
    return found


def _measure(measure: Measure, name: str, rates: dict[str, list[list[float]]]) -> None:
    for size, native, passthrough in zip(_SPEED_SIZES, rates["native"], rates["passthrough"], strict=True):
        measure(name, "MB/s", native, passthrough, better="higher", limit="throughput", size=size)


def test_read_throughput(both: Both, measure: Measure, effort: float) -> None:
    """Reads past the cache, one after the other, from 4 KiB to 1 MiB each."""

    def whole(there: Disk) -> tuple[int, int]:
        return 0, there.size

    _measure(measure, "read throughput", _rates(both, "read", whole, effort))


@pytest.mark.safety("destructive")
def test_write_throughput(dut: LiveDevice, both: Both, measure: Measure, effort: float) -> None:
    """Writes past the cache, one after the other, from 4 KiB to 1 MiB each."""

    def allowed(there: Disk) -> tuple[int, int]:
        region = Region.of(dut, there)
        return region.start, region.size

    _measure(measure, "write throughput", _rates(both, "write", allowed, effort))
