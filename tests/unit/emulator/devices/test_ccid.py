"""emulator.devices.ccid: the reader's messages, and the card behind them."""

from __future__ import annotations

import functools
import struct
from operator import xor

import pytest

from emulator.catalogue import parse_models
from emulator.device import VirtualDevice
from emulator.devices.ccid import ccid_descriptor
from emulator.devices.ccid_parts.card import AID, Card, answer_to_reset
from tests.support.reports import Listener
from tests.support.usb import bulk_in, bulk_out, start
from wslusb.device import sync
from wslusb.device.clock import VirtualClock
from wslusb.errors import LocalError
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Status

SET_PARAMETERS, POWER_ON, POWER_OFF, STATUS = 0x61, 0x62, 0x63, 0x65
PARAMETERS, RESET_PARAMETERS, CLOCK, TRANSFER, ABORT, RATE = 0x6C, 0x6D, 0x6E, 0x6F, 0x72, 0x73
ACTIVE, INACTIVE, ABSENT, FAILED = 0, 1, 2, 0x40
GET_UID = bytes.fromhex("ffca000000")


class Host:
    """What libccid does, in virtual time."""

    def __init__(self, options: str = "") -> None:
        (model,) = parse_models(f"ccid:{options}" if options else "ccid")
        self.clock = VirtualClock()
        self.device = VirtualDevice(model.gadget, model.firmware, clock=self.clock)
        self.sequence = 0

    def ask(
        self, kind: int, data: bytes = b"", own: bytes = bytes(3), slot: int = 0, length: int | None = None
    ) -> tuple[int, int, int, int, bytes]:
        """Kind, bStatus, bError, the last byte of the header, and the data of the answer."""
        self.sequence = (self.sequence + 1) & 0xFF
        size = len(data) if length is None else length
        start(self.device, bulk_out(struct.pack("<BIBB3s", kind, size, slot, self.sequence, own) + data))
        answer = start(self.device, bulk_in(512, endpoint=0x82)).data
        kind, size, told_slot, sequence, status, error, last = struct.unpack("<BIBBBBB", answer[:10])
        assert (told_slot, sequence, size) == (slot, self.sequence, len(answer) - 10)
        return kind, status, error, last, answer[10:]

    def apdu(self, text: str) -> str:
        """An APDU and its answer, hexadecimal; the card has power."""
        kind, status, _, _, data = self.ask(TRANSFER, bytes.fromhex(text))
        assert (kind, status) == (0x80, ACTIVE)
        return data.hex()


def powered(options: str = "") -> Host:
    host = Host(options)
    assert host.ask(POWER_ON)[1] == ACTIVE
    return host


def test_atr_adds_up() -> None:
    atr = answer_to_reset(b"wslusb card")
    assert atr[:3] == b"\x3b\x8b\x01"
    assert functools.reduce(xor, atr[1:]) == 0
    assert Host().ask(POWER_ON) == (0x80, ACTIVE, 0, 0, atr)


def test_power_and_status() -> None:
    host = Host()
    assert host.ask(STATUS) == (0x81, INACTIVE, 0, 3, b"")
    host.ask(POWER_ON)
    assert host.ask(STATUS) == (0x81, ACTIVE, 0, 0, b"")
    assert host.ask(POWER_OFF) == (0x81, INACTIVE, 0, 3, b"")
    assert host.ask(TRANSFER, GET_UID) == (0x80, FAILED | INACTIVE, 0xFE, 0, b"")


@pytest.mark.parametrize("speed", ["full", "high"])
def test_messages_of_any_length_come_through(speed: str) -> None:
    host = powered(f"speed={speed},text={'x' * 255}")
    assert host.apdu("00a4000c020001") == "9000"
    for size in [*range(40, 60), 118, 182, 246, 255]:
        data = bytes((size,)) * size
        assert host.apdu(f"00d60000{size:02x}{data.hex()}") == "9000"
        assert host.apdu(f"00b00000{size:02x}") == data.hex() + "9000"


def test_a_message_in_several_transfers() -> None:
    host = powered()
    message = struct.pack("<BIBB3s", TRANSFER, 70, 0, 1, bytes(3)) + bytes.fromhex("00d6000041") + bytes(65)
    start(host.device, bulk_out(message[:64]))
    start(host.device, bulk_out(message[64:]))
    assert start(host.device, bulk_in(512, endpoint=0x82)).data[10:].hex() == "6986", "no file is selected"


@pytest.mark.parametrize(
    ("kind", "data", "own", "slot", "length", "answer", "error"),
    [
        (0x69, b"", "000000", 0, None, 0x81, 0),  # Secure
        (0x6B, b"x", "000000", 0, None, 0x81, 0),  # Escape
        (POWER_ON, b"", "040000", 0, None, 0x80, 7),  # no such voltage
        (STATUS, b"", "000000", 0, 3, 0x81, 1),  # length that is not there
        (TRANSFER, bytes(262), "000000", 0, None, 0x80, 1),
        (TRANSFER, GET_UID, "000100", 0, None, 0x80, 8),  # wLevelParameter
        (SET_PARAMETERS, bytes(5), "000000", 0, None, 0x82, 7),  # T=0
        (SET_PARAMETERS, bytes(5), "010000", 0, None, 0x82, 1),
        (CLOCK, b"", "020000", 0, None, 0x81, 7),
        (RATE, b"", "000000", 0, None, 0x84, 1),
    ],
)
def test_failures(kind: int, data: bytes, own: str, slot: int, length: int | None, answer: int, error: int) -> None:
    host = powered()
    assert host.ask(kind, data, bytes.fromhex(own), slot, length) == (answer, FAILED | ACTIVE, error, 0, b"")
    assert host.apdu(GET_UID.hex()).endswith("9000"), "it goes on"


def test_there_is_one_slot() -> None:
    assert powered().ask(STATUS, slot=1) == (0x81, FAILED | ABSENT, 5, 0, b"")


def test_parameters_are_kept_until_they_are_reset() -> None:
    host = powered()
    default, other = bytes.fromhex("1110004500fe00"), bytes.fromhex("1111004500200f")
    assert host.ask(PARAMETERS) == (0x82, ACTIVE, 0, 1, default)
    assert host.ask(SET_PARAMETERS, other, b"\x01\0\0") == (0x82, ACTIVE, 0, 1, other)
    assert host.ask(PARAMETERS)[4] == other
    assert host.ask(RESET_PARAMETERS)[4] == default


def test_clock_and_rate() -> None:
    host = powered()
    assert host.ask(CLOCK, b"", b"\x01\0\0") == (0x81, ACTIVE, 0, 0, b"")
    assert host.ask(RATE, bytes(8)) == (0x84, ACTIVE, 0, 0, struct.pack("<II", 4000, 10752))
    assert sync.control(host.device, Setup(0xA1, 2, 0, 0, 4)).data == struct.pack("<I", 4000)
    assert sync.control(host.device, Setup(0xA1, 3, 0, 0, 4)).data == struct.pack("<I", 10752)
    assert sync.control(host.device, Setup(0xA1, 4, 0, 0, 4)).status == Status.STALL


def test_abort_takes_both_halves() -> None:
    host = powered()
    assert sync.control(host.device, Setup(0x21, 1, (host.sequence + 2) << 8, 0, 0)).status == Status.OK
    assert host.ask(TRANSFER, GET_UID) == (0x80, FAILED | ACTIVE, 0xFF, 0, b"")
    assert host.ask(ABORT) == (0x81, ACTIVE, 0, 0, b"")
    assert host.apdu(GET_UID.hex()).endswith("9000")


def test_a_card_comes_and_goes() -> None:
    host = Host("insert=1000,remove=2000")
    notes = Listener(host.device, 0x83)
    assert host.ask(STATUS) == (0x81, ABSENT, 0, 3, b"")
    assert host.ask(POWER_ON) == (0x80, FAILED | ABSENT, 0xFE, 0, b"")
    assert host.ask(PARAMETERS)[:3] == (0x82, FAILED | ABSENT, 0xFE)
    assert notes.over(host.clock, 1.1) == [b"\x50\x03"]
    assert host.ask(POWER_ON)[1] == ACTIVE
    assert notes.over(host.clock, 1.1) == [b"\x50\x02"]
    assert host.ask(POWER_OFF)[1] == ABSENT


def test_a_reset_takes_the_power_away() -> None:
    host = powered()
    host.device.select_configuration(1)
    assert host.ask(STATUS)[1] == INACTIVE


@pytest.mark.parametrize(
    ("apdu", "answer"),
    [
        ("ffca000000", "04112233449000"),
        ("ffca000002", "04119000"),
        ("ffca010000", "6d00"),
        ("00ca004f00", "4f07" + AID.hex() + "9000"),
        ("00ca123400", "6a88"),
        ("00a4040007" + AID.hex() + "00", "6f098407" + AID.hex() + "9000"),
        ("00a40400023132", "6a82"),
        ("00a4000c023f00", "9000"),
        ("00a40000023f0000", "6207820138" + "83023f00" + "9000"),
        ("00a4000002000100", "620b" + "80020005" + "820101" + "83020001" + "9000"),
        ("00a4080000", "6b00"),
        ("00a4000002ffff", "6a82"),
        ("00b0000000", "6986"),
        ("00200001", "6d00"),
        ("80b0000000", "6e00"),
        ("00b0", "6700"),
    ],
)
def test_first_commands(apdu: str, answer: str) -> None:
    assert Card(bytes.fromhex("0411223344"), b"12345").answer(bytes.fromhex(apdu)).hex() == answer


@pytest.mark.parametrize(
    ("apdu", "answer"),
    [
        ("00b0000000", "31323334359000"),
        ("00b0000205", "3334356282"),
        ("00b0000203", "3334359000"),
        ("00b0000500", "9000"),
        ("00b0000600", "6b00"),
        ("00b0810000", "6b00"),
        ("00b00000000000", "31323334359000"),
        ("00d60003024142", "9000"),
        ("00d60004024142", "6a84"),
        ("00d60000", "6700"),
        ("00d6000003aa", "6700"),
    ],
)
def test_commands_to_a_file(apdu: str, answer: str) -> None:
    card = Card(text=b"12345")
    assert card.answer(bytes.fromhex("00a4000c020001")).hex() == "9000"
    assert card.answer(bytes.fromhex(apdu)).hex() == answer


def test_a_reset_of_the_card_keeps_its_files() -> None:
    card = Card(text=b"12345")
    for apdu in ("00a4000c020001", "00d60000024142"):
        card.answer(bytes.fromhex(apdu))
    card.reset()
    assert card.answer(bytes.fromhex("00b0000000")).hex() == "6986"
    assert card.contents[1] == b"AB345"


def test_class_descriptor_has_the_fields_of_its_length() -> None:
    descriptor = ccid_descriptor()
    assert (len(descriptor), descriptor[0], descriptor[1]) == (54, 54, 0x21)
    assert struct.unpack_from("<II", descriptor, 40) == (0x0002047E, 271), "short APDUs; the longest message"


@pytest.mark.parametrize("options", ["uid=xyz", "uid=", f"text={'x' * 256}", "insert=-1"])
def test_what_cannot_be_made_is_a_local_error(options: str) -> None:
    with pytest.raises(LocalError):
        Host(options)
