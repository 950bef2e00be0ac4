"""wslusb.dissect.stream: messages out of pieces, of captures read from files."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.packet import Packet, Raw
from scapy.sendrecv import sniff
from scapy.utils import rdpcap

from tests.support.strategies import pieces
from wslusb.capture import pcapng, usbmon
from wslusb.capture.vsockmon import End, from_guest, from_host
from wslusb.dissect import (
    UsbMon,
    UsbMonShort,
    UsbSetup,
    VsockMon,
    WslUsb,
    WslUsbHello,
    WslUsbSession,
    WslUsbUrbRequest,
    WslUsbUrbResponse,
)
from wslusb.dissect.stream import Cutter
from wslusb.usb.ids import TransferType
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Urb

GUEST, OTHER = End(42, 1025), End(42, 1026)
SAMPLE = Path(__file__).parents[2] / "samples" / "usbmon.pcap"
NOW = 1_700_000_000_000_000_000
MESSAGES = [
    bytes(WslUsb(sequence=1) / WslUsbHello(speaker=b"guest")),
    bytes(WslUsb(sequence=2, handle=1) / WslUsbUrbRequest(transfer=2, endpoint=1, data=bytes(range(256)) * 4)),
    bytes(WslUsb(sequence=3, type="PING")),
    bytes(WslUsb(sequence=3, handle=1) / WslUsbUrbRequest(setup=UsbSetup(bmRequestType=0x80, wLength=18))),
]
STREAM = b"".join(MESSAGES)
ANSWER = bytes(WslUsb(sequence=2, handle=1) / WslUsbUrbResponse(actual_length=1024))


def capture(path: Path, chunks: Sequence[bytes], *usb: bytes, link: int = pcapng.LINK_USB) -> Path:
    """A file of two interfaces: ``chunks`` of link type 271, and ``usb`` records."""
    blocks = [
        pcapng.section("made by a test"),
        pcapng.interface(link, "wslusb:1-1"),
        pcapng.interface(pcapng.LINK_VSOCK, "wslusb:1-1 protocol"),
    ]
    blocks += [pcapng.packet(0, NOW, [record]) for record in usb]
    blocks += [pcapng.packet(1, NOW + at, [chunk], comment=f"piece {at}") for at, chunk in enumerate(chunks)]
    path.write_bytes(b"".join(blocks))
    return path


def read(path: Path) -> list[Packet]:
    return list(sniff(offline=str(path), session=WslUsbSession, quiet=True))


@given(st.lists(st.integers(0, 5000), max_size=8))
def test_a_stream_cut_anywhere(cuts: list[int]) -> None:
    cutter = Cutter()
    assert list(itertools.chain.from_iterable(map(cutter.feed, pieces(STREAM, cuts)))) == MESSAGES


def test_a_size_that_no_message_has_ends_the_cutting() -> None:
    cutter = Cutter()
    bad = b"\x04\0\0\0\xff\xff\xff\xff" + bytes(8)
    assert cutter.feed(MESSAGES[0] + bad) == [MESSAGES[0], bad]
    assert cutter.feed(b"more") == [b"more"]


@pytest.mark.parametrize("step", [1500, 700, 17, len(STREAM)])
def test_directions_and_connections_are_put_together_apart(tmp_path: Path, step: int) -> None:
    chunks = []
    for at in range(0, len(STREAM), step):
        chunks.append(from_guest(GUEST) + STREAM[at : at + step])
        chunks.append(from_guest(OTHER) + STREAM[at : at + step])
    chunks[1:1] = [from_host(GUEST) + ANSWER[:20], from_host(GUEST) + ANSWER[20:]]
    packets = read(capture(tmp_path / "x.pcapng", chunks))
    for guest in (GUEST, OTHER):
        sent = [bytes(packet[WslUsb]) for packet in packets if packet.src_port == guest.port]
        assert sent == MESSAGES
    answers = [packet for packet in packets if packet.dst_port == GUEST.port]
    assert [bytes(packet[WslUsb]) for packet in answers] == [ANSWER]
    assert answers[0][WslUsb].answers(WslUsb(MESSAGES[1]))
    assert not answers[0][WslUsb].answers(WslUsb(MESSAGES[3]))


def test_a_message_has_the_time_of_the_piece_that_completed_it(tmp_path: Path) -> None:
    packets = read(
        capture(tmp_path / "x.pcapng", [from_guest(GUEST) + STREAM[:20], from_guest(GUEST) + MESSAGES[0][20:]])
    )
    assert len(packets) == 1
    assert int(packets[0].time * 1_000_000_000) == NOW + 1
    assert packets[0].comments == [b"piece 1"]


def test_a_large_message_in_one_piece(tmp_path: Path) -> None:
    large = bytes(WslUsb(sequence=2, handle=1) / WslUsbUrbRequest(transfer=2, endpoint=1, data=bytes(200_000)))
    packets = read(capture(tmp_path / "x.pcapng", [from_guest(GUEST) + large + MESSAGES[2]]))
    assert [bytes(packet[WslUsb]) for packet in packets] == [large, MESSAGES[2]]


def test_without_the_session_each_piece_is_a_packet(tmp_path: Path) -> None:
    path = capture(tmp_path / "x.pcapng", [from_guest(GUEST) + STREAM])
    packets = sniff(offline=str(path), quiet=True)
    assert len(packets) == 1
    assert packets[0][WslUsbHello].speaker == b"guest"


def test_both_interfaces_of_a_capture(tmp_path: Path) -> None:
    urb = Urb(7, 0, TransferType.CONTROL, 18, 0, b"", Setup(0x80, 6, 0x100, 0, 18))
    record = b"".join(usbmon.submitted(urb, (1, 2), NOW))
    packets = read(capture(tmp_path / "x.pcapng", [from_guest(GUEST) + MESSAGES[0]], record))
    assert [packet.__class__ for packet in packets] == [UsbMon, VsockMon]
    assert packets[0].setup.wLength == 18
    assert packets[0].sprintf("%kind% %transfer%") == "SUBMIT CONTROL"


def test_captures_of_others(tmp_path: Path) -> None:
    short = bytes(UsbMonShort(kind="COMPLETE", transfer="BULK", endpoint=0x81, data=b"abc"))
    packets = read(capture(tmp_path / "x.pcapng", [], short, link=189))
    assert packets[0][UsbMonShort].data == b"abc"
    head = bytes.fromhex("1b00 1000000000000000 00000000 0900 00 0100 0200 81 03 03000000")
    packets = read(capture(tmp_path / "y.pcapng", [], head + b"abc", link=249))
    assert packets[0].name == "USBpcap URB"
    assert not isinstance(packets[0], Raw)


def test_a_file_of_the_kernels_own_usbmon() -> None:
    packets = list(rdpcap(str(SAMPLE)))
    assert len(packets) > 10
    for packet in packets:
        assert isinstance(packet, UsbMon)
        record = usbmon.read(bytes(packet))
        assert record is not None
        assert (packet.endpoint, packet.status, packet.data) == (record.endpoint, record.status, record.data)


def test_what_is_not_of_this_protocol_passes_as_it_is(tmp_path: Path) -> None:
    other = bytes(VsockMon(src_port=5, dst_port=6)) + b"hello"
    packets = read(capture(tmp_path / "x.pcapng", [other, b"short"]))
    assert [bytes(packet) for packet in packets] == [other, b"short"]
