"""The pool, and URBs into libusb's own transfers and back, with the real library (no device is needed for that)."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wslusb.device.libusb_fill import CONTROL_LIMIT, MAX_TRANSFER, completion, fill, refusal
from wslusb.device.libusb_native import load
from wslusb.device.libusb_transfer import Pool, Slot, size_class
from wslusb.errors import LocalError
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Status, Urb, UrbFlag

try:
    LIBRARY: Any = load()
except LocalError:
    pytest.skip("libusb-1.0 is not installed", allow_module_level=True)

COMPLETED, ERROR, CANCELLED, STALL, NO_DEVICE = 0, 1, 3, 4, 5


@pytest.fixture
def pool() -> Iterator[Pool]:
    callback = LIBRARY.libusb_transfer_cb_fn_p(lambda _: None)
    pool = Pool(LIBRARY, None, callback, limit=1 << 20)
    yield pool
    pool.close()
    assert not pool.idle_bytes


def filled(urb: Urb, pool: Pool) -> Slot:
    slot = fill(urb, pool)
    assert isinstance(slot, Slot)
    return slot


def finish(slot: Slot, code: int, actual: int) -> None:
    slot.parts[0].transfer.status, slot.parts[0].transfer.actual_length = code, actual


@given(st.integers(0, MAX_TRANSFER + 8))
def test_size_class_fits_and_wastes_less_than_half(size: int) -> None:
    assert size <= size_class(size) <= max(512, 2 * size)


def test_slots_are_used_again(pool: Pool) -> None:
    first = pool.take(1000)
    address = first.parts[0].address
    assert pool.by_address[address] is first
    assert pool.take(1000) is not first
    pool.give(first)
    assert pool.take(700) is first
    assert first.parts[0].transfer.buffer == first.base


def test_idle_memory_is_bounded(pool: Pool) -> None:
    slots = [pool.take(1 << 18) for _ in range(8)]
    for slot in slots:
        pool.give(slot)
    assert pool.idle_bytes == 1 << 20
    assert len(pool.by_address) == 4


def test_slot_given_back_after_close_is_freed(pool: Pool) -> None:
    slot = pool.take(100)
    pool.close()
    pool.give(slot)
    assert not pool.by_address


def test_trap_timeouts_and_short_not_ok_are_never_set(pool: Pool) -> None:
    for flags in (0, UrbFlag.SHORT_OK, UrbFlag.ZERO_PACKET):
        for endpoint, data in ((0x81, b""), (0x02, bytes(64))):
            transfer = filled(Urb(1, endpoint, 2, 64, flags, data), pool).parts[0].transfer
            assert transfer.timeout == 0
            zero = flags == UrbFlag.ZERO_PACKET and endpoint == 2
            assert transfer.flags == (8 if zero else 0)


def test_trap_add_zero_packet_is_for_bulk_alone(pool: Pool) -> None:
    assert filled(Urb(1, 0x02, 3, 4, UrbFlag.ZERO_PACKET, b"abcd"), pool).parts[0].transfer.flags == 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=3000))
def test_out_data_is_copied_once_into_the_transfers_buffer(pool: Pool, data: bytes) -> None:
    source = bytearray(data)
    slot = filled(Urb(1, 0x02, 2, len(source), 0, source), pool)
    source[:] = b"\xee" * len(source)
    transfer = slot.parts[0].transfer
    assert ctypes.string_at(transfer.buffer, transfer.length) == data
    pool.give(slot)


def test_in_data_is_the_pooled_memory(pool: Pool) -> None:
    urb = Urb(1, 0x81, 2, 100, UrbFlag.SHORT_OK)
    slot = filled(urb, pool)
    slot.view[:5] = b"hello"
    finish(slot, COMPLETED, 5)
    answer = completion(urb, slot)
    assert (answer.status, answer.actual_length, bytes(answer.data)) == (Status.OK, 5, b"hello")
    slot.view[0] = ord("j")
    assert bytes(answer.data) == b"jello"


def test_control_out_and_in(pool: Pool) -> None:
    setup = Setup(0x40, 0x5B, 1, 2, 3)
    slot = filled(Urb(1, 0, 0, 3, 0, b"abc", setup), pool)
    assert bytes(slot.view[:11]) == setup.pack() + b"abc"
    assert slot.parts[0].transfer.length == 11
    urb = Urb(2, 0x80, 0, 18, setup=Setup(0x80, 6, 0x100, 0, 18))
    slot = filled(urb, pool)
    slot.view[8:26] = bytes(range(18))
    finish(slot, COMPLETED, 18)
    assert bytes(completion(urb, slot).data) == bytes(range(18))


def test_trap_control_in_is_cut_to_what_libusb_passes_on(pool: Pool) -> None:
    urb = Urb(1, 0x80, 0, 65535, UrbFlag.SHORT_OK, setup=Setup(0x80, 6, 0x200, 0, 65535))
    slot = filled(urb, pool)
    assert Setup.unpack(slot.view).length == CONTROL_LIMIT
    finish(slot, COMPLETED, CONTROL_LIMIT - 1)
    assert completion(urb, slot).status == Status.OK
    finish(slot, COMPLETED, CONTROL_LIMIT)
    assert completion(urb, slot).status == Status.NOT_SUPPORTED


def test_cancel_that_came_after_the_last_byte_has_lost(pool: Pool) -> None:
    urb = Urb(1, 0x81, 2, 8)
    slot = filled(urb, pool)
    for actual, status in ((8, Status.OK), (7, Status.CANCELLED), (0, Status.CANCELLED)):
        finish(slot, CANCELLED, actual)
        assert completion(urb, slot).status == status


def iso_urb(endpoint: int, lengths: list[int], data: bytes = b"") -> Urb:
    urb = Urb(1, endpoint, 1, sum(lengths), UrbFlag.ISO_ASAP, data)
    urb.iso_lengths = lengths
    return urb


def test_trap_isochronous_request_is_split_and_joined(pool: Pool) -> None:
    lengths = [number % 11 for number in range(300)]
    urb = iso_urb(0x83, lengths)
    slot = filled(urb, pool)
    assert [part.transfer.num_iso_packets for part in slot.parts] == [128, 128, 44]
    slot.view[: sum(lengths)] = bytes(index % 251 for index in range(sum(lengths)))
    expected, offset, packet = b"", 0, 0
    for part in slot.parts:
        part.transfer.status = COMPLETED
        for index in range(part.transfer.num_iso_packets):
            actual = lengths[packet] // 2
            part.iso[3 * index + 1] = actual
            part.iso[3 * index + 2] = ERROR if packet == 200 else COMPLETED
            expected += bytes(slot.view[offset : offset + actual])
            offset, packet = offset + lengths[packet], packet + 1
    answer = completion(urb, slot)
    assert (answer.status, answer.error_count, len(answer.iso)) == (Status.OK, 1, 300)
    assert answer.iso[200].status == Status.PROTOCOL
    assert (answer.actual_length, bytes(answer.data)) == (len(expected), expected)


@pytest.mark.parametrize(("code", "status"), [(CANCELLED, Status.CANCELLED), (NO_DEVICE, Status.GONE)])
def test_isochronous_status_is_that_of_the_first_part_that_failed(pool: Pool, code: int, status: Status) -> None:
    urb = iso_urb(0x03, [8] * 200, bytes(1600))
    slot = filled(urb, pool)
    slot.parts[0].transfer.status, slot.parts[1].transfer.status = COMPLETED, code
    assert completion(urb, slot).status == status


def test_trap_zero_length_isochronous_packets(pool: Pool) -> None:
    slot = filled(iso_urb(0x03, [0, 8, 0], bytes(8)), pool)
    assert slot.parts[0].iso[0:9:3].tolist() == [0, 8, 0]
    assert filled(iso_urb(0x83, [0, 0]), pool).parts[0].transfer.length == 0


@pytest.mark.parametrize(
    ("urb", "status"),
    [
        (Urb(1, 0x81, 2, MAX_TRANSFER + 1), Status.NO_MEMORY),
        (Urb(1, 0x81, 2, -1), Status.NO_MEMORY),
        (Urb(1, 0x81, 2, 64, stream=1), Status.NOT_SUPPORTED),
        (Urb(1, 0x02, 2, 64, data=b"too short"), Status.INVALID),
        (Urb(1, 0x81, 9, 64), Status.INVALID),
        (Urb(1, 0x80, 0, 64), Status.INVALID),
        (Urb(1, 0x80, 0, 64, setup=Setup(0x80, 6, 0, 0, 63)), Status.INVALID),
        (Urb(1, 0, 0, 5000, data=bytes(5000), setup=Setup(0x40, 1, 0, 0, 5000)), Status.NOT_SUPPORTED),
        (Urb(1, 0x83, 1, 64), Status.INVALID),
        (Urb(1, 0x83, 1, 64, iso_lengths=[65]), Status.INVALID),
        (Urb(1, 0x83, 1, 64, iso_lengths=[-1, 2]), Status.INVALID),
    ],
)
def test_what_cannot_be_submitted(pool: Pool, urb: Urb, status: Status) -> None:
    assert fill(urb, pool) == status
    assert all(slot.owner is None for slot in pool.by_address.values())


def test_refused_isochronous_urb_has_a_result_a_packet() -> None:
    answer = refusal(iso_urb(0x83, [8, 8, 8]), Status.GONE)
    assert (answer.status, answer.error_count, len(answer.iso)) == (Status.GONE, 3, 3)


def test_a_short_read_that_is_not_allowed_is_said_so_and_keeps_its_data(pool: Pool) -> None:
    urb = Urb(1, 0x81, 2, 100)
    slot = filled(urb, pool)
    slot.view[:5] = b"hello"
    finish(slot, COMPLETED, 5)
    answer = completion(urb, slot)
    assert (answer.status, answer.actual_length, bytes(answer.data)) == (Status.SHORT, 5, b"hello")
