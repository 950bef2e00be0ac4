"""emulator.devices.mass_storage.bot: the thirteen cases of Bulk-Only Transport (6.7), and hosts that send nonsense."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.device import VirtualDevice
from emulator.devices.mass_storage.medium import Medium, memory_medium
from emulator.devices.storage import StorageFirmware, storage_gadget
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Completion, Status, Urb, UrbFlag

IN, OUT = 0x81, 0x02
READ, WRITE = "28 00 00000000 00 {:04x} 00", "2a 00 00000000 00 {:04x} 00"
TEST_UNIT_READY, BAD = "00" * 6, "ff" * 6
PASSED, FAILED, PHASE_ERROR = 0, 1, 2
RESET, MAX_LUN = Setup(0x21, 0xFF, 0, 0, 0), Setup(0xA1, 0xFE, 0, 0, 1)


class Host:
    """The other end of the transport. What it is told, it says; it knows no cases."""

    def __init__(self) -> None:
        self.medium: Medium = memory_medium(64 * 512)
        self.medium.data[:] = bytes(range(256)) * (64 * 2)
        self.device = VirtualDevice(storage_gadget(), StorageFirmware(self.medium))

    def submit(self, urb: Urb) -> list[tuple[Status, int, bytes]]:
        seen: list[tuple[Status, int, bytes]] = []

        def done(completion: Completion) -> None:
            seen.append((Status(completion.status), completion.actual_length, bytes(completion.data)))

        self.device.submit(urb, done)
        return seen

    def write(self, data: bytes) -> tuple[Status, int]:
        seen = self.submit(Urb(0, OUT, 2, len(data), 0, data))
        assert seen, "the device does not take it"
        return seen[0][:2]

    def read(self, length: int) -> tuple[Status, bytes]:
        seen = self.submit(Urb(0, IN, 2, length, UrbFlag.SHORT_OK))
        assert seen, "the device has nothing to say"
        return seen[0][0], seen[0][2]

    def control(self, setup: Setup) -> tuple[Status, bytes]:
        status, _, data = self.submit(Urb(0, setup.request_type & 0x80, 0, setup.length, 0, b"", setup))[0]
        return status, data

    def command(self, block: str, announced: int, direction: int, tag: int = 7) -> None:
        raw = bytes.fromhex(block)
        cbw = struct.pack("<4sIIBBB16s", b"USBC", tag, announced, direction & 0x80, 0, len(raw), raw)
        assert self.write(cbw) == (Status.OK, 31)

    def status(self, tag: int = 7) -> tuple[int, int]:
        """(bCSWStatus, dCSWDataResidue), read as hosts do: a stall is cleared once (6.7.2, figure 2)."""
        status, data = self.read(13)
        if status == Status.STALL:
            self.device.clear_halt(IN)
            status, data = self.read(13)
        assert status == Status.OK
        signature, seen_tag, residue, result = struct.unpack("<4sIIB", data)
        assert (signature, seen_tag) == (b"USBS", tag)
        return result, residue

    def alive(self) -> bool:
        self.command(TEST_UNIT_READY, 0, OUT, tag=99)
        return self.status(tag=99) == (PASSED, 0)


@pytest.fixture
def host() -> Iterator[Host]:
    host = Host()
    yield host
    host.device.close()


def test_case_1_no_data(host: Host) -> None:
    host.command(TEST_UNIT_READY, 0, OUT)
    assert host.status() == (PASSED, 0)
    assert host.alive()


@pytest.mark.parametrize("block", [READ, WRITE])
def test_cases_2_and_3_device_has_data_and_host_wants_none(host: Host, block: str) -> None:
    host.command(block.format(1), 0, IN)
    assert host.status() == (PHASE_ERROR, 0)
    assert host.alive()


def test_case_4_host_waits_for_data_that_there_is_not(host: Host) -> None:
    host.command(TEST_UNIT_READY, 512, IN)
    assert host.read(512) == (Status.STALL, b"")
    host.device.clear_halt(IN)
    assert host.status() == (PASSED, 512)


@pytest.mark.parametrize(("announced", "status"), [(1024, Status.STALL), (600, Status.STALL)])
def test_case_5_fewer_data_than_announced(host: Host, announced: int, status: Status) -> None:
    host.command(READ.format(1), announced, IN)
    assert host.read(announced) == (status, bytes(host.medium.at(0, 1)))
    host.device.clear_halt(IN)
    assert host.status() == (PASSED, announced - 512)


def test_case_5_with_a_short_packet(host: Host) -> None:
    host.command("12000000ff00", 255, IN)
    status, data = host.read(255)
    assert (status, len(data)) == (Status.OK, 36)
    assert host.status() == (PASSED, 219)


def test_case_6_as_announced(host: Host) -> None:
    host.command(READ.format(4), 2048, IN)
    assert host.read(2048) == (Status.OK, bytes(host.medium.at(0, 4)))
    assert host.status() == (PASSED, 0)


def test_case_7_more_data_than_announced(host: Host) -> None:
    host.command(READ.format(4), 1024, IN)
    assert host.read(1024) == (Status.OK, bytes(host.medium.at(0, 2)))
    assert host.status() == (PHASE_ERROR, 0)


def test_case_8_host_waits_for_data_and_device_too(host: Host) -> None:
    host.command(WRITE.format(1), 512, IN)
    assert host.read(512) == (Status.STALL, b"")
    host.device.clear_halt(IN)
    assert host.status()[0] == PHASE_ERROR


@pytest.mark.parametrize(("block", "result"), [(TEST_UNIT_READY, PASSED), (READ.format(1), PHASE_ERROR)])
def test_cases_9_and_10_host_sends_what_nobody_wants(host: Host, block: str, result: int) -> None:
    host.command(block, 512, OUT)
    assert host.write(bytes(512)) == (Status.STALL, 0)
    host.device.clear_halt(OUT)
    assert host.status() == (result, 512)
    assert host.alive()


def test_case_11_host_sends_too_much(host: Host) -> None:
    host.command(WRITE.format(1), 1024, OUT)
    assert host.write(b"x" * 1024) == (Status.STALL, 512)
    host.device.clear_halt(OUT)
    assert host.status() == (PASSED, 512)
    assert bytes(host.medium.at(0, 1)) == b"x" * 512
    assert host.alive()


@pytest.mark.parametrize("pieces", [[2048], [512] * 4, [1024, 1024]])
def test_case_12_as_announced(host: Host, pieces: list[int]) -> None:
    host.command(WRITE.format(4), 2048, OUT)
    for piece in pieces:
        assert host.write(b"y" * piece) == (Status.OK, piece)
    assert host.status() == (PASSED, 0)
    assert bytes(host.medium.at(0, 5)) == b"y" * 2048 + bytes(range(256)) * 2


def test_case_13_device_wants_more_than_the_host_sends(host: Host) -> None:
    before = bytes(host.medium.data)
    host.command(WRITE.format(4), 1024, OUT)
    assert host.write(b"z" * 1024) == (Status.STALL, 0)
    host.device.clear_halt(OUT)
    assert host.status()[0] == PHASE_ERROR
    assert host.medium.data == before
    assert host.alive()


def test_host_that_stops_early(host: Host) -> None:
    host.command(WRITE.format(2), 1024, OUT)
    assert host.write(b"z" * 100) == (Status.OK, 100)
    assert host.status() == (FAILED, 924)
    assert host.alive()


@pytest.mark.parametrize(("announced", "direction"), [(0, OUT), (512, IN), (512, OUT)])
def test_command_that_fails(host: Host, announced: int, direction: int) -> None:
    host.command(BAD, announced, direction)
    if announced and direction == IN:
        assert host.read(announced)[0] == Status.STALL
        host.device.clear_halt(IN)
    elif announced:
        assert host.write(bytes(announced))[0] == Status.STALL
        host.device.clear_halt(OUT)
    assert host.status() == (FAILED, announced)
    host.command("030000001200", 18, IN)
    assert host.read(18)[1][2] == 5
    assert host.status() == (PASSED, 0)


def test_next_command_waits_until_the_status_was_read(host: Host) -> None:
    host.command(TEST_UNIT_READY, 0, OUT, tag=1)
    cbw = struct.pack("<4sIIBBB16s", b"USBC", 2, 0, 0, 0, 6, b"")
    seen = host.submit(Urb(0, OUT, 2, 31, 0, cbw))
    assert not seen
    assert host.status(tag=1) == (PASSED, 0)
    assert seen == [(Status.OK, 31, b"")]
    assert host.status(tag=2) == (PASSED, 0)


def test_status_can_be_asked_for_before_the_command(host: Host) -> None:
    seen = host.submit(Urb(0, IN, 2, 13, UrbFlag.SHORT_OK))
    host.command(TEST_UNIT_READY, 0, OUT)
    assert seen == [(Status.OK, 13, struct.pack("<4sIIB", b"USBS", 7, 0, 0))]


GOOD = struct.pack("<4sIIBBB16s", b"USBC", 1, 0, 0, 0, 6, b"")
HOSTILE = {
    "short": GOOD[:30], "long": GOOD + b"\0", "empty": b"", "signature": b"USBS" + GOOD[4:],
    "flags": GOOD[:12] + b"\x01" + GOOD[13:], "unit": GOOD[:13] + b"\x10" + GOOD[14:],
    "no block": GOOD[:14] + b"\x00" + GOOD[15:], "long block": GOOD[:14] + b"\x11" + GOOD[15:],
    "junk": bytes(range(200)),
}  # fmt: skip


@pytest.mark.parametrize("cbw", HOSTILE.values(), ids=HOSTILE)
def test_invalid_command_stalls_both_until_reset_recovery(host: Host, cbw: bytes) -> None:
    host.write(cbw)
    for _ in range(2):
        assert host.read(13) == (Status.STALL, b"")
        assert host.write(GOOD) == (Status.STALL, 0)
        host.device.clear_halt(IN)
        host.device.clear_halt(OUT)
    assert host.control(RESET) == (Status.OK, b"")
    assert host.read(13)[0] == Status.STALL, "the halts are for the host to clear"
    host.device.clear_halt(IN)
    host.device.clear_halt(OUT)
    assert host.alive()


@pytest.mark.parametrize("how", ["configuration", "reset"])
def test_other_ways_out_of_a_stall(host: Host, how: str) -> None:
    host.write(b"junk")
    if how == "reset":
        host.device.reset()
    host.device.select_configuration(1)
    assert host.alive()


def test_reset_in_the_middle_of_data(host: Host) -> None:
    host.command(READ.format(8), 4096, IN)
    host.read(512)
    host.control(RESET)
    host.device.clear_halt(IN)
    host.device.clear_halt(OUT)
    assert host.alive()


def test_class_requests(host: Host) -> None:
    assert host.control(MAX_LUN) == (Status.OK, b"\0")
    for setup in (
        Setup(0xA1, 0xFE, 0, 1, 1), Setup(0xA1, 0xFE, 1, 0, 1), Setup(0x21, 0xFF, 1, 0, 0), Setup(0x21, 0xFF, 0, 1, 0),
        Setup(0xC0, 0xFE, 0, 0, 1),
    ):  # fmt: skip
        assert host.control(setup)[0] == Status.STALL


@given(st.integers(0, 0xFFFFFFFF), st.sampled_from([IN, OUT]), st.binary(min_size=1, max_size=16), st.integers(0, 15))
def test_no_command_breaks_the_device(announced: int, direction: int, block: bytes, unit: int) -> None:
    """Whatever is asked for: one answer at a time, and after a reset recovery it lives."""
    host = Host()
    cbw = struct.pack("<4sIIBBB16s", b"USBC", 1, announced, direction & 0x80, unit, len(block), block)
    host.write(cbw)
    host.submit(Urb(0, OUT, 2, 700, 0, bytes(700)))
    host.submit(Urb(0, IN, 2, 4096, UrbFlag.SHORT_OK))
    host.device.reset()
    host.device.select_configuration(1)
    for _ in range(2):
        host.command("1b0000000300", 0, OUT)  # it may have been ejected
        host.status()
    assert host.alive()
    host.device.close()
