"""wslusb.device.libusb_iso: 128 packets at a time, and together again."""

from __future__ import annotations

from array import array

from hypothesis import given
from hypothesis import strategies as st

from wslusb.device.libusb_iso import pack_lengths, part_count, repack, results, split
from wslusb.device.libusb_transfer import ISO_PACKETS
from wslusb.usb.urb import IsoResult, Status

LENGTHS = st.lists(st.integers(0, 3072), max_size=600)
PACKETS = st.lists(
    st.integers(0, 40).flatmap(lambda room: st.tuples(st.just(room), st.integers(0, room))), max_size=300
)


@given(LENGTHS)
def test_trap_split_at_128_packets_loses_nothing(lengths: list[int]) -> None:
    pieces = list(split(lengths))
    assert len(pieces) == part_count(len(lengths))
    assert [length for piece in pieces for length in piece.lengths] == lengths
    assert all(1 <= len(piece.lengths) <= ISO_PACKETS for piece in pieces)
    for piece in pieces:
        assert piece.offset == sum(lengths[: piece.first])
        assert piece.length == sum(piece.lengths)


@given(PACKETS)
def test_trap_iso_packets_are_repacked_back_to_back(packets: list[tuple[int, int]]) -> None:
    rooms = [room for room, _ in packets]
    buffer, expected = bytearray(), b""
    for number, (room, actual) in enumerate(packets):
        data = bytes((number * 7 + index) % 251 for index in range(actual))
        buffer += data + b"\xee" * (room - actual)
        expected += data
    view = memoryview(buffer)
    total = repack(view, rooms, [IsoResult(Status.OK, actual) for _, actual in packets])
    assert bytes(view[:total]) == expected


@given(st.lists(st.tuples(st.integers(0, 65535), st.integers(0, 65535), st.integers(0, 6)), max_size=ISO_PACKETS))
def test_packet_descriptors_there_and_back(packets: list[tuple[int, int, int]]) -> None:
    memory = memoryview(array("I", [0xEEEE] * (3 * ISO_PACKETS)))
    pack_lengths([length for length, _, _ in packets], memory)
    assert memory[0 : 3 * len(packets) : 3].tolist() == [length for length, _, _ in packets]
    for number, (_, actual, code) in enumerate(packets):
        memory[3 * number + 1], memory[3 * number + 2] = actual, code
    found = results(memory, len(packets))
    assert [packet.actual_length for packet in found] == [actual for _, actual, _ in packets]
    assert [packet.status == Status.OK for packet in found] == [code == 0 for _, _, code in packets]


def test_unknown_packet_status_is_a_failure() -> None:
    assert results(memoryview(array("I", [8, 8, 99])), 1) == [IsoResult(Status.FAILED, 8)]
