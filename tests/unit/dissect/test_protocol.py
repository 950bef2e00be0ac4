"""wslusb.dissect: headers, directions, answers, and what junk becomes."""

from __future__ import annotations

import random

import pytest
from scapy.config import conf
from scapy.packet import Packet, Raw, fuzz

import wslusb.dissect
from wslusb.dissect import (
    MESSAGES,
    VsockMon,
    WslUsb,
    WslUsbAttach,
    WslUsbAttachAnswer,
    WslUsbCancel,
    WslUsbCancelAnswer,
    WslUsbError,
    WslUsbHello,
    WslUsbStatusAnswer,
    WslUsbUrbRequest,
    WslUsbUrbResponse,
)
from wslusb.usb.urb import Status
from wslusb.wire.frame import PORT, MessageType

LAYERS = [
    layer
    for layer in (getattr(wslusb.dissect, name) for name in wslusb.dissect.__all__)
    if isinstance(layer, type) and issubclass(layer, Packet)
]
STATUSES = [status for status in Status if status not in (Status.OK, Status.ISO_NOT_ACCESSED)]


@pytest.mark.parametrize("layer", LAYERS)
def test_no_field_hides_behind_a_method(layer: type[Packet]) -> None:
    assert not [field.name for field in layer.fields_desc if hasattr(Packet, field.name)]


@pytest.mark.parametrize("layer", LAYERS)
def test_every_layer_can_be_fuzzed_and_read_again(layer: type[Packet]) -> None:
    random.seed(layer.__name__)
    for _ in range(20):
        data = bytes(fuzz(layer()))
        read = layer(data)
        assert read.summary()
        read.clear_cache()
        assert bytes(read) == data


@pytest.mark.parametrize("layers", MESSAGES.values())
def test_a_payload_sets_the_type(layers: tuple[type[Packet] | None, ...]) -> None:
    for layer in layers:
        if layer not in (None, WslUsbStatusAnswer):
            kind = MessageType((WslUsb() / layer()).type)
            assert layer in MESSAGES[kind]


def test_a_size_that_was_set_is_kept() -> None:
    assert bytes(WslUsb(size=0xFFFFFFFF, sequence=1) / Raw(b"x"))[4:8] == b"\xff" * 4


@pytest.mark.parametrize("size", range(1, 16))
def test_less_than_a_header_is_raw(size: int) -> None:
    assert isinstance(WslUsb(bytes(size)), Raw)


def test_a_payload_that_is_cut_is_raw() -> None:
    whole = bytes(WslUsb(sequence=1) / WslUsbUrbRequest(endpoint=0x81, transfer=2, length=9))
    cut = WslUsb(whole[:40])
    assert isinstance(cut.payload, Raw)
    assert bytes(cut) == whole[:40]


def test_more_packets_than_a_urb_may_have_are_raw() -> None:
    request = WslUsbUrbRequest(transfer=1, endpoint=0x81, packets=0xFFFFFFFF, data=bytes(4 * 1025))
    assert isinstance(WslUsb(bytes(WslUsb() / request)).payload, Raw)


def test_the_next_message_is_padding() -> None:
    one = bytes(WslUsb(sequence=1) / WslUsbCancel(target=9))
    read = WslUsb(one + one)
    assert read[WslUsbCancel].target == 9
    assert read[conf.padding_layer].load == one


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("message", [b"", b"gone", b"x" * 256])
def test_an_attach_that_fails_is_told_from_a_request_by_its_shape(status: Status, message: bytes) -> None:
    answer = bytes(WslUsb(sequence=1) / WslUsbAttachAnswer(status=status, message=message))
    assert WslUsbAttachAnswer in WslUsb(answer)


@pytest.mark.parametrize("busid", [b"", b"1-1", b"x" * 256])
def test_a_request_to_attach_is_told_by_its_shape(busid: bytes) -> None:
    request = bytes(WslUsb(sequence=1) / WslUsbAttach(busid=busid, generation=0xC0000004))
    assert WslUsbAttach in WslUsb(request)


def test_a_capture_says_which_way_a_message_went() -> None:
    either = b"\0\0\2\xc0\0\0"  # an empty busid and a generation, or a status and an empty text
    frame = bytes(WslUsb(type="ATTACH", sequence=1) / Raw(either))
    to_host = VsockMon(bytes(VsockMon(src_port=9, dst_port=PORT)) + frame)
    to_guest = VsockMon(bytes(VsockMon(src_port=PORT, dst_port=9)) + frame)
    assert to_host[WslUsbAttach].generation == 0xC002
    assert to_guest[WslUsbAttachAnswer].status == Status.ISO_NOT_ACCESSED


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        (WslUsb(sequence=5) / WslUsbHello(), WslUsb(sequence=5) / WslUsbHello()),
        (WslUsb(sequence=5) / WslUsbUrbRequest(), WslUsb(sequence=5) / WslUsbUrbResponse()),
        (WslUsb(sequence=5) / WslUsbCancel(), WslUsb(sequence=5) / WslUsbCancelAnswer()),
        (WslUsb(type="PING", sequence=5), WslUsb(type="PONG", sequence=5)),
        (WslUsb(type="RESET", sequence=5), WslUsb(type="RESET", sequence=5) / WslUsbStatusAnswer()),
    ],
)
def test_answers(asked: WslUsb, answered: WslUsb) -> None:
    assert answered.answers(asked)
    assert answered.hashret() == asked.hashret()
    other = answered.copy()
    other.sequence = 6
    assert not other.answers(asked)
    assert (WslUsb(sequence=0) / WslUsbError()).answers(asked)
    assert not answered.answers(Raw(b"x"))


def test_a_urb_is_not_answered_by_the_answer_to_another_kind() -> None:
    assert not (WslUsb(sequence=5) / WslUsbCancelAnswer()).answers(WslUsb(sequence=5) / WslUsbUrbRequest())


def test_summaries_name_what_matters() -> None:
    def summary(packet: WslUsb) -> str:
        return str(WslUsb(bytes(packet)).summary())

    assert summary(WslUsb(sequence=3) / WslUsbUrbRequest(transfer=2, endpoint=0x81, length=512)) == (
        "WslUsb / BULK_OR_INTERRUPT_TRANSFER 0x81 512 bytes"
    )
    assert "STALL" in summary(WslUsb(sequence=3) / WslUsbUrbResponse(status="STALL"))
    assert "BAD_STATE" in summary(WslUsb() / WslUsbError(reason="BAD_STATE", message=b"no"))
