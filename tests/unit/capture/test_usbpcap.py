"""wslusb.capture.usbpcap: packets of Windows' capture driver, in the layouts of its older and newer versions."""

from __future__ import annotations

import struct

from tests.support.usbpcap import packet
from wslusb.capture import usbpcap
from wslusb.usb.ids import TransferType

GET_DEVICE = bytes.fromhex("8006000100001200")
SET_LINE = bytes.fromhex("2120000000000700")


def test_a_control_read_is_two_packets() -> None:
    request = usbpcap.read(packet(2, 0x80, GET_DEVICE, more=b"\0"), 5)
    assert request
    assert (request.kind, request.bus, request.device, request.time, request.key) == ("S", 2, 5, 5, 7)
    assert (request.setup, request.data, request.length, request.is_in) == (GET_DEVICE, b"", 18, True)
    answer = usbpcap.read(packet(2, 0x80, bytes(18), answer=True, more=b"\3"))
    assert answer
    assert (answer.kind, answer.data, answer.length, answer.status) == ("C", bytes(18), 18, 0)


def test_a_control_write_has_its_data_behind_the_setup_packet_or_in_a_stage_of_their_own() -> None:
    whole = usbpcap.read(packet(2, 0, SET_LINE + b"1234567", more=b"\0"))
    assert whole
    assert (whole.setup, whole.data, whole.is_in) == (SET_LINE, b"1234567", False)
    data = usbpcap.read(packet(2, 0, b"1234567", more=b"\1"))
    assert data
    assert (data.kind, data.setup, data.data) == ("S", b"", b"1234567")
    status = usbpcap.read(packet(2, 0, more=b"\2", answer=True))
    assert status
    assert (status.kind, status.length) == ("C", usbpcap.NOT_TOLD)


def test_bytes_behind_a_setup_packet_that_it_does_not_ask_for_are_not_its_data() -> None:
    for setup in (GET_DEVICE, SET_LINE[:6] + bytes(2)):
        record = usbpcap.read(packet(2, 0, setup + b"left over", more=b"\0"))
        assert record
        assert (record.setup, record.data) == (setup, b"")


def test_what_windows_does_not_tell_is_not_made_up() -> None:
    asked, told = usbpcap.read(packet(3, 0x81)), usbpcap.read(packet(3, 0x81, b"abc", answer=True))
    assert asked
    assert told
    assert (asked.transfer, asked.length, told.length, told.data) == (TransferType.BULK, usbpcap.NOT_TOLD, 3, b"abc")
    sent, taken = usbpcap.read(packet(1, 0x02, b"abcd")), usbpcap.read(packet(1, 0x02, answer=True))
    assert sent
    assert taken
    assert (sent.length, sent.data, taken.length) == (4, b"abcd", usbpcap.NOT_TOLD)


def test_statuses_are_those_of_linux() -> None:
    pairs = {0: 0, 0xC0000004: -32, 0xC0000030: -32, 0xC0010000: -104, 0xC0000009: -121, 0xDEADBEEF: -5}
    for status, errno in pairs.items():
        record = usbpcap.read(packet(3, 0x81, answer=True, status=status))
        assert record
        assert record.status == errno


def test_isochronous_packets_have_a_table() -> None:
    table = struct.pack("<III", 77, 2, 1) + struct.pack("<IIIIII", 0, 3, 0, 8, 0, 0xC0000004)
    record = usbpcap.read(packet(0, 0x83, b"abc", answer=True, more=table))
    assert record
    assert (record.start_frame, record.errors) == (77, 1)
    assert [(each.status, each.offset, each.length) for each in record.iso] == [(0, 0, 3), (-32, 8, 0)]


def test_a_halt_that_windows_clears_is_the_request_that_it_makes() -> None:
    asked = usbpcap.read(packet(0xFE, 0x83, function=0x1E))
    told = usbpcap.read(packet(0xFF, 0xFF, function=0x1E, answer=True))
    assert asked
    assert told
    assert (asked.kind, asked.setup, asked.transfer) == ("S", bytes.fromhex("0201000083000000"), TransferType.CONTROL)
    assert (told.kind, told.status, told.key) == ("C", 0, asked.key)
    assert usbpcap.read(packet(0xFE, 0x83, function=2)) is None


def test_what_is_no_transfer_is_left_out() -> None:
    assert usbpcap.read(packet(0xFE, 0)) is None
    assert usbpcap.read(packet(2, 0x80, b"\x80", more=b"\0")) is None
    assert usbpcap.read(packet(2, 0x80, GET_DEVICE)) is None
    assert usbpcap.read(packet(3, 1, b"abc")[:20]) is None
