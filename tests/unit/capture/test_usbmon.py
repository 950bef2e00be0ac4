"""wslusb.capture.usbmon: records, field by field, as drivers/usb/mon/mon_bin.c fills them."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wslusb.capture.usbmon import completed, read, submitted
from wslusb.usb.ids import TransferType
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Completion, IsoResult, Status, Urb, UrbFlag

PLACE = (3, 17)
NOW = 1_700_000_000_123_456_789


def fields(parts: list[bytes | bytearray | memoryview]) -> tuple[dict[str, object], bytes]:
    raw = b"".join(parts)
    names = (
        "id type transfer endpoint device bus setup_flag data_flag seconds microseconds status length captured setup"
        " interval start_frame flags descriptors"
    )
    values = struct.unpack_from("<QBBBBHBBqiiII8siiII", raw)
    return dict(zip(names.split(), values, strict=True)), raw[64:]


def test_a_control_read() -> None:
    urb = Urb(9, 0, TransferType.CONTROL, 18, 0, b"", Setup(0x80, 6, 0x100, 0, 18))
    head, data = fields(submitted(urb, PLACE, NOW))
    assert head == {
        "id": 9, "type": ord("S"), "transfer": 2, "endpoint": 0x80, "device": 17, "bus": 3, "setup_flag": 0,
        "data_flag": ord("<"), "seconds": 1_700_000_000, "microseconds": 123_456, "status": -115, "length": 18,
        "captured": 0, "setup": bytes((0x80, 6, 0, 1, 0, 0, 18, 0)), "interval": 0, "start_frame": 0,
        "flags": 0x201, "descriptors": 0,
    }  # fmt: skip
    assert data == b""
    head, data = fields(completed(Completion(urb, Status.SHORT, 4, b"abcd"), PLACE, NOW))
    assert (head["type"], head["setup_flag"], head["data_flag"]) == (ord("C"), ord("-"), 0)
    assert (head["status"], head["length"], head["captured"], data) == (-121, 4, 4, b"abcd")


def test_a_bulk_write() -> None:
    urb = Urb(1, 0x02, TransferType.BULK, 3, UrbFlag.ZERO_PACKET, b"xyz")
    head, data = fields(submitted(urb, PLACE, NOW))
    assert (head["endpoint"], head["data_flag"], head["flags"], data) == (0x02, 0, 0x40, b"xyz")
    head, data = fields(completed(Completion(urb, Status.STALL, 1), PLACE, NOW))
    assert (head["status"], head["length"], head["data_flag"], data) == (-32, 1, ord(">"), b"")


def test_isochronous_packets() -> None:
    urb = Urb(5, 0x83, TransferType.ISOCHRONOUS, 30, UrbFlag.ISO_ASAP, interval=8, start_frame=7, iso_lengths=(10, 20))
    head, table = fields(submitted(urb, PLACE, NOW))
    assert (head["descriptors"], head["captured"], head["flags"]) == (2, 32, 0x202)
    assert list(struct.iter_unpack("<iIII", table)) == [(-18, 0, 10, 0), (-18, 10, 20, 0)]
    results = [IsoResult(Status.OK, 4), IsoResult(Status.CRC, 2)]
    done = Completion(urb, Status.OK, 6, b"abcdef", start_frame=9, error_count=1, iso=results)
    head, rest = fields(completed(done, PLACE, NOW))
    assert head["setup"] == struct.pack("<ii", 1, 2)
    assert (head["start_frame"], head["length"], head["captured"]) == (9, 6, 44)
    assert list(struct.iter_unpack("<iIII", rest[:32])) == [(0, 0, 4, 0), (-84, 10, 2, 0)]
    assert rest[32:] == b"abcd" + bytes(6) + b"ef"
    assert read(b"".join(completed(done, PLACE, NOW))) is not None


def test_packets_that_nobody_got_to_have_their_places() -> None:
    urb = Urb(5, 0x83, TransferType.ISOCHRONOUS, 30, UrbFlag.ISO_ASAP, iso_lengths=(10, 20))
    head, table = fields(completed(Completion(urb, Status.CANCELLED), PLACE, NOW))
    assert (head["status"], head["descriptors"], head["captured"]) == (-2, 2, 32)
    assert list(struct.iter_unpack("<iIII", table)) == [(-18, 0, 0, 0), (-18, 10, 0, 0)]


def test_only_interrupt_and_isochronous_urbs_have_intervals_and_only_the_latter_frames() -> None:
    seen = {}
    for transfer in (TransferType.BULK, TransferType.INTERRUPT, TransferType.ISOCHRONOUS):
        head, _ = fields(submitted(Urb(5, 0x83, transfer, 8, interval=8, start_frame=0xFFFFFFFF), PLACE, NOW))
        seen[transfer] = head["interval"], head["start_frame"]
    assert list(seen.values()) == [(0, 0), (8, 0), (8, -1)]


def test_a_request_without_data_goes_out() -> None:
    urb = Urb(9, 0, TransferType.CONTROL, 0, 0, b"", Setup(0xC0, 1, 2, 3, 0))
    head, _ = fields(submitted(urb, PLACE, NOW))
    assert (head["endpoint"], head["data_flag"], head["flags"]) == (0x00, 0, 0)
    head, _ = fields(completed(Completion(urb), PLACE, NOW))
    assert (head["endpoint"], head["data_flag"], head["flags"]) == (0x00, ord(">"), 0)


@pytest.mark.parametrize("order", ["<", ">"])
def test_records_of_either_byte_order_are_read(order: str) -> None:
    setup = bytes((0x80, 6, 0, 1, 0, 0, 18, 0))
    head = struct.pack(order + "QBBBBHBBqiiII8s", 7, ord("S"), 2, 0x80, 5, 1, 0, ord("<"), 2, 3, -115, 18, 0, setup)
    for raw, short in ((head, True), (head + struct.pack(order + "iiII", 4, 5, 6, 0), False)):
        record = read(raw, short=short)
        assert record is not None
        assert (record.time, record.key, record.bus, record.device) == (2_000_003_000, 7, 1, 5)
        assert (record.kind, record.setup, record.length, record.is_in) == ("S", setup, 18, True)
        assert (record.interval, record.flags) == ((0, 0) if short else (4, 6))


@given(st.binary(max_size=200), st.booleans())
def test_junk_is_no_record_or_a_small_one(data: bytes, short: bool) -> None:
    record = read(data, short=short)
    assert record is None or len(record.data) + 16 * len(record.iso) <= len(data)


def test_what_is_written_is_read_back() -> None:
    urb = Urb(5, 0x03, TransferType.ISOCHRONOUS, 30, UrbFlag.ISO_ASAP, bytes(30), interval=8, iso_lengths=(10, 20))
    record = read(b"".join(submitted(urb, PLACE, NOW)))
    assert record is not None
    assert (record.bus, record.device, record.endpoint, record.data) == (3, 17, 0x03, bytes(30))
    assert [(each.offset, each.length) for each in record.iso] == [(0, 10), (10, 20)]
    assert record.time == NOW // 1000 * 1000
