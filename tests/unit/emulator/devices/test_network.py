"""emulator.devices.ethernet and ncm: what cdc_ether and cdc_ncm see."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from emulator.device import VirtualDevice
from emulator.devices import ethernet, ncm
from emulator.devices.network_parts import ntb
from emulator.model import Kind
from emulator.options import Options
from tests.support.frames import HOST_MAC, arp, ping
from tests.support.usb import Waiter, bulk_in, bulk_out, control_urb, start
from wslusb.errors import LocalError
from wslusb.usb.ids import TransferType
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Status, Urb, UrbFlag

PEER_MAC = bytes.fromhex("020000002001")
BOTH = pytest.mark.parametrize("kind", [ethernet.KIND, ncm.KIND], ids=["ecm", "ncm"])


class Card:
    """A card as its driver has it, with the data interface up."""

    def __init__(self, kind: Kind, **options: str) -> None:
        made = kind.make(Options(options))
        self.kind = kind
        self.gadget = made.gadget
        self.device = VirtualDevice(made.gadget, made.firmware)
        self.device.select_interface(1, 1)

    def control(self, setup: Setup, data: bytes = b"") -> Waiter:
        return start(self.device, control_urb(setup, data))

    def write(self, data: bytes) -> int:
        return start(self.device, bulk_out(data, flags=UrbFlag.ZERO_PACKET)).status

    def read(self, length: int = 16384) -> Waiter:
        return start(self.device, bulk_in(length))

    def send(self, *frames: bytes) -> None:
        if self.kind is ncm.KIND:
            assert self.write(ntb.pack(0, frames)) == Status.OK
        else:
            assert [self.write(frame) for frame in frames] == [Status.OK] * len(frames)

    def receive(self) -> list[bytes]:
        reading = self.read()
        reading.wait()
        return ntb.unpack(reading.data) if self.kind is ncm.KIND else [reading.data]

    def notification(self) -> Waiter:
        return start(self.device, Urb(0, 0x82, TransferType.INTERRUPT, 16, UrbFlag.SHORT_OK))


@BOTH
def test_the_host_finds_its_address_and_both_settings(kind: Kind) -> None:
    card = Card(kind, mac="0a0b0c0d0e0f")
    control, *data = card.gadget.configurations[0].interfaces
    name = next(each for each in control.extra if each[2] == 0x0F)[3]
    assert card.gadget.string(name) == "0A0B0C0D0E0F"
    assert [(each.alternate, len(each.endpoints)) for each in data] == [(0, 0), (1, 2)]


@BOTH
@pytest.mark.parametrize(("link", "up"), [("up", 1), ("down", 0)])
def test_the_link_is_told_when_the_data_interface_comes_up(kind: Kind, link: str, up: int) -> None:
    card = Card(kind, link=link)
    speed, connection = card.notification().data, card.notification().data
    assert speed == bytes.fromhex("a12a000000000800") + struct.pack("<II", *[425_984_000 * up] * 2)
    assert connection == bytes((0xA1, 0, up, 0, 0, 0, 0, 0))
    assert not card.notification().completions


@BOTH
def test_a_ping_comes_back_and_is_captured(kind: Kind, tmp_path: Path) -> None:
    card = Card(kind, capture=str(tmp_path / "frames.pcap"))
    card.send(arp())
    (reply,) = card.receive()
    assert reply[:12] == HOST_MAC + PEER_MAC
    sent = ping(PEER_MAC, bytes(1400))
    card.send(sent)
    (reply,) = card.receive()
    assert reply[42:] == bytes(1400)
    raw = (tmp_path / "frames.pcap").read_bytes()
    assert struct.unpack_from("<IHHiIII", raw) == (0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    lengths, at = [], 24
    while at < len(raw):
        lengths.append(struct.unpack_from("<II", raw, at + 8)[0])
        at += 16 + lengths[-1]
    assert lengths == [42, 42, len(sent), len(sent)]


def test_a_frame_of_full_packets_is_followed_by_an_empty_one() -> None:
    card = Card(ethernet.KIND)
    reading = card.read(2048)
    card.send(ping(PEER_MAC, bytes(1024 - 42)))
    assert (reading.status, len(reading.data)) == (Status.OK, 1024)


def test_the_byte_that_linux_adds_does_no_harm_and_longer_ones_are_dropped() -> None:
    card = Card(ethernet.KIND)
    card.write(ping(PEER_MAC, bytes(1514 - 42)) + b"\0")
    assert len(card.receive()[0]) == 1514
    card.write(bytes(4000))
    card.send(ping(PEER_MAC, b"after that"))
    assert card.receive()[0][42:] == b"after that"


def test_frames_that_wait_share_a_block_and_no_block_is_too_long() -> None:
    card = Card(ncm.KIND)
    pings = [ping(PEER_MAC, bytes(1400), number) for number in range(30)]
    for at in range(0, 30, 10):
        card.send(*pings[at : at + 10])
    blocks = [card.receive() for _ in range(3)]
    assert [len(block) for block in blocks] == [11, 11, 8]
    assert card.control(Setup(0x21, 0x86, 0, 0, 8), struct.pack("<IHH", 4096, 1, 0)).status == Status.OK
    assert card.control(Setup(0xA1, 0x85, 0, 0, 8)).data == struct.pack("<IHH", 4096, 1, 0)
    card.send(*pings[:2])
    assert [len(card.receive()), len(card.receive())] == [1, 1]


def test_a_block_of_the_greatest_length_needs_no_empty_packet() -> None:
    card = Card(ncm.KIND)
    frames = [ping(PEER_MAC, bytes(1000), number) for number in range(3)]
    block = ntb.pack(0, frames).ljust(16384, b"\0")
    assert card.write(block) == Status.OK
    assert card.write(ntb.pack(1, frames)) == Status.OK
    assert len(card.receive()) == 6


def test_a_block_that_makes_no_sense_is_dropped() -> None:
    card = Card(ncm.KIND)
    assert card.write(b"NCMH" + bytes(100)) == Status.OK
    card.send(ping(PEER_MAC, b"next"))
    assert card.receive()[0][42:] == b"next"


@pytest.mark.parametrize(
    ("setup", "data", "expected"),
    [
        (Setup(0xA1, 0x80, 0, 0, 28), b"", bytes.fromhex("1c000100004000000400000004000000004000000400000004000000")),
        (Setup(0xA1, 0x81, 0, 0, 6), b"", HOST_MAC),
        (Setup(0xA1, 0x83, 0, 0, 2), b"", b"\0\0"),
        (Setup(0x21, 0x84, 1, 0, 0), b"", None),
        (Setup(0x21, 0x86, 0, 0, 4), struct.pack("<I", 2047), None),
        (Setup(0x21, 0x86, 0, 0, 4), struct.pack("<I", 16385), None),
        (Setup(0xA1, 0x87, 0, 0, 2), b"", struct.pack("<H", 1514)),
        (Setup(0x21, 0x88, 0, 0, 2), struct.pack("<H", 1515), None),
        (Setup(0x21, 0x82, 0, 0, 6), b"\xff" * 6, None),
        (Setup(0xA1, 0x89, 0, 0, 2), b"", None),
    ],
)
def test_requests_of_the_network_control_model(setup: Setup, data: bytes, expected: bytes | None) -> None:
    answer = Card(ncm.KIND).control(setup, data)
    assert (answer.status, answer.data) == ((Status.STALL, b"") if expected is None else (Status.OK, expected))


@BOTH
def test_what_the_filter_does_not_let_through_is_not_received(kind: Kind) -> None:
    card = Card(kind)
    card.control(Setup(0x21, 0x43, 0x08, 0, 0))
    card.send(ping(PEER_MAC, b"unheard"))
    card.control(Setup(0x21, 0x43, 0x0C, 0, 0))
    card.send(ping(PEER_MAC, b"heard"))
    assert [frame[42:] for frame in card.receive()] == [b"heard"]
    statistics = [card.control(Setup(0xA1, 0x44, selector, 0, 4)).data for selector in (1, 2)]
    assert statistics == [struct.pack("<I", 2), struct.pack("<I", 1)]


@BOTH
def test_multicast_filters_are_counted(kind: Kind) -> None:
    card = Card(kind)
    assert card.control(Setup(0x21, 0x40, 2, 0, 12), bytes(12)).status == Status.OK
    assert card.control(Setup(0x21, 0x40, 2, 0, 6), bytes(6)).status == Status.STALL


@BOTH
def test_without_a_link_nothing_is_heard(kind: Kind) -> None:
    card = Card(kind, link="down")
    card.send(arp())
    assert not card.read().completions


@BOTH
@pytest.mark.parametrize("options", [{"mac": "12"}, {"mac": "ffffffffffff"}, {"address": "here"}, {"link": "slow"}])
def test_options_that_make_no_card(kind: Kind, options: dict[str, str]) -> None:
    with pytest.raises(LocalError):
        kind.make(Options(options))
