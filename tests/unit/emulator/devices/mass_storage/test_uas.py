"""emulator.devices.mass_storage.uas: information units, the task set, and hosts that break the rules."""

from __future__ import annotations

import struct

import pytest

from emulator.device import VirtualDevice
from emulator.devices.mass_storage.medium import memory_medium
from emulator.devices.uas import BULK_ONLY, COMMAND, DATA_IN, DATA_OUT, STATUS, UAS, UasFirmware, uas_gadget
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Completion, Status, Urb, UrbFlag

BLOCKS = bytes(range(256)) * (64 * 2)
READ, WRITE, TEST_UNIT_READY = "28 00 0000000{:x} 00 {:04x} 00", "2a 00 0000000{:x} 00 {:04x} 00", "00" * 6
ABORT, ABORT_SET, RESET_UNIT, CLEAR_ACA, QUERY, QUERY_SET = 0x01, 0x02, 0x08, 0x40, 0x80, 0x81
COMPLETE, INVALID, NOT_SUPPORTED, SUCCEEDED, WRONG_UNIT, OVERLAPPED = 0, 2, 4, 8, 9, 10
GOOD, CHECK_CONDITION, FULL = 0, 2, 0x28


class Host:
    """The other end of the four pipes."""

    def __init__(self) -> None:
        self.medium = memory_medium(len(BLOCKS))
        self.medium.data[:] = BLOCKS
        self.device = VirtualDevice(uas_gadget(), UasFirmware(self.medium))
        self.device.select_interface(0, UAS)

    def submit(self, urb: Urb) -> list[tuple[Status, int, bytes]]:
        seen: list[tuple[Status, int, bytes]] = []

        def done(completion: Completion) -> None:
            seen.append((Status(completion.status), completion.actual_length, bytes(completion.data)))

        self.device.submit(urb, done)
        return seen

    def write(self, endpoint: int, data: bytes) -> list[tuple[Status, int, bytes]]:
        return self.submit(Urb(0, endpoint, 2, len(data), 0, data))

    def command(self, tag: int, block: str, attribute: int = 0, unit: int = 0) -> None:
        raw = bytes.fromhex(block).ljust(16, b"\0")
        iu = struct.pack(">BxHBxBxQ", 1, tag, attribute, len(raw) - 16, unit) + raw
        assert self.write(COMMAND, iu) == [(Status.OK, len(iu), b"")]

    def manage(self, tag: int, function: int, named: int = 0, unit: int = 0) -> tuple[int, int]:
        self.write(COMMAND, struct.pack(">BxHBxHQ", 5, tag, function, named, unit))
        return self.response()

    def status(self) -> bytes:
        urb = Urb(0, STATUS, 2, 112, UrbFlag.SHORT_OK)
        seen = self.submit(urb)
        if not seen:
            self.device.cancel(urb)
            return b""
        assert seen[0][0] == Status.OK
        return seen[0][2]

    def ready(self) -> tuple[str, int]:
        kind, tag = struct.unpack(">BxH", self.status())
        return {6: "read", 7: "write"}[kind], tag

    def sense(self) -> tuple[int, int, bytes]:
        iu = self.status()
        kind, tag, _, status, length = struct.unpack_from(">BxHHB7xH", iu)
        assert kind == 3
        assert len(iu) == 16 + length
        return tag, status, iu[16:]

    def response(self) -> tuple[int, int]:
        kind, tag, code = struct.unpack(">BxH3xB", self.status())
        assert kind == 4
        return tag, code

    def read(self, length: int) -> bytes:
        seen = self.submit(Urb(0, DATA_IN, 2, length, UrbFlag.SHORT_OK))
        assert seen, "the device has no data"
        assert seen[0][0] == Status.OK
        return seen[0][2]


def test_a_read_is_ready_then_data_then_sense() -> None:
    host = Host()
    host.command(9, READ.format(2, 3))
    assert host.ready() == ("read", 9)
    assert not host.status(), "no sense before the data are taken"
    assert host.read(1536) == BLOCKS[1024:2560]
    assert host.sense() == (9, GOOD, b"")


def test_a_write_is_ready_then_data_then_sense() -> None:
    host, noise = Host(), bytes(reversed(BLOCKS[:1024]))
    host.command(1, WRITE.format(4, 2))
    assert host.ready() == ("write", 1)
    assert host.write(DATA_OUT, noise[:512]) == [(Status.OK, 512, b"")]
    assert not host.status()
    assert host.write(DATA_OUT, noise[512:]) == [(Status.OK, 512, b"")]
    assert host.sense() == (1, GOOD, b"")
    assert host.medium.data[2048:3072] == noise


def test_data_that_come_before_the_command_wait_for_it() -> None:
    host = Host()
    early = host.write(DATA_OUT, bytes(512))
    assert not early
    host.command(1, WRITE.format(0, 1))
    assert early == [(Status.OK, 512, b"")]
    assert (host.ready(), host.sense()) == (("write", 1), (1, GOOD, b""))


def test_commands_in_flight_run_in_order_and_keep_their_tags() -> None:
    host = Host()
    for tag, block in ((7, 0), (3, 1), (5, 2)):
        host.command(tag, READ.format(block, 1))
    host.command(1, TEST_UNIT_READY)
    for tag, block in ((7, 0), (3, 1), (5, 2)):
        assert host.ready() == ("read", tag)
        assert host.read(512) == BLOCKS[512 * block : 512 * block + 512]
        assert host.sense() == (tag, GOOD, b"")
    assert host.sense() == (1, GOOD, b"")


def test_a_head_of_queue_command_goes_first_of_those_that_wait() -> None:
    host = Host()
    host.command(1, READ.format(0, 1))
    host.command(2, TEST_UNIT_READY)
    host.command(3, TEST_UNIT_READY, attribute=1)
    assert (host.ready(), host.read(512)) == (("read", 1), BLOCKS[:512])
    assert [host.sense()[0] for _ in range(3)] == [1, 3, 2]


def test_sense_data_come_with_the_status() -> None:
    host = Host()
    host.command(4, READ.format(0, 65))
    tag, status, sense = host.sense()
    assert (tag, status) == (4, CHECK_CONDITION)
    assert (sense[0], sense[2], sense[12]) == (0x70, 5, 0x21)
    host.command(5, TEST_UNIT_READY, unit=1 << 48)
    assert host.sense()[2][12] == 0x25


def test_a_write_that_the_host_cuts_short_fails() -> None:
    host = Host()
    host.command(1, WRITE.format(0, 2))
    assert host.ready() == ("write", 1)
    host.write(DATA_OUT, bytes(700))
    tag, status, sense = host.sense()
    assert (tag, status, sense[2], sense[12]) == (1, CHECK_CONDITION, 0xB, 0x4B)


def test_more_data_than_a_write_wants_are_stalled() -> None:
    host = Host()
    host.command(1, WRITE.format(0, 1))
    assert host.ready() == ("write", 1)
    assert host.write(DATA_OUT, bytes(1024)) == [(Status.STALL, 512, b"")]
    assert host.sense() == (1, GOOD, b"")


def test_an_aborted_command_is_not_heard_of_again() -> None:
    host = Host()
    for tag in (1, 2, 3):
        host.command(tag, READ.format(tag, 1))
    assert host.ready() == ("read", 1)
    assert host.manage(9, QUERY, 2) == (9, SUCCEEDED)
    assert host.manage(9, ABORT, 2) == (9, COMPLETE)
    assert host.manage(9, QUERY, 2) == (9, COMPLETE)
    assert host.manage(9, ABORT, 1) == (9, COMPLETE), "also the one whose data wait for the host"
    assert host.ready() == ("read", 3)
    assert host.read(512) == BLOCKS[1536:2048]
    assert host.sense() == (3, GOOD, b"")
    assert not host.status()


def test_an_aborted_write_takes_no_data() -> None:
    host = Host()
    host.command(1, WRITE.format(0, 1))
    assert host.ready() == ("write", 1)
    assert host.manage(2, ABORT, 1) == (2, COMPLETE)
    assert not host.write(DATA_OUT, bytes(512))
    assert host.medium.data[:512] == BLOCKS[:512]


@pytest.mark.parametrize("function", [ABORT_SET, 0x04, RESET_UNIT, 0x10])
def test_the_whole_task_set_can_be_ended(function: int) -> None:
    host = Host()
    host.command(1, READ.format(0, 1))
    host.command(2, READ.format(1, 1))
    assert host.ready() == ("read", 1)
    assert host.manage(3, QUERY_SET) == (3, SUCCEEDED)
    assert host.manage(3, function) == (3, COMPLETE)
    assert host.manage(3, QUERY_SET) == (3, COMPLETE)
    host.command(4, READ.format(2, 1))
    assert (host.ready(), host.read(512)) == (("read", 4), BLOCKS[1024:1536])


def test_task_management_that_cannot_be() -> None:
    host = Host()
    assert host.manage(1, CLEAR_ACA) == (1, NOT_SUPPORTED)
    assert host.manage(2, RESET_UNIT, unit=1 << 48) == (2, WRONG_UNIT)
    assert host.manage(3, 0x82) == (3, COMPLETE)


@pytest.mark.parametrize("how", ["command", "function"])
def test_a_tag_that_is_used_twice_ends_everything(how: str) -> None:
    host = Host()
    host.command(1, READ.format(0, 1))
    host.command(2, READ.format(1, 1))
    assert host.ready() == ("read", 1)
    if how == "command":
        host.command(2, TEST_UNIT_READY)
        assert host.response() == (2, OVERLAPPED)
    else:
        assert host.manage(2, QUERY, 1) == (2, OVERLAPPED)
    assert host.manage(3, QUERY_SET) == (3, COMPLETE)


@pytest.mark.parametrize(
    "unit", ["", "01", "01 00 0005", "09 00 0005" + "00" * 28, "01 00 0005 00 00 04 00" + "00" * 24]
)
def test_information_units_that_are_none(unit: str) -> None:
    host, raw = Host(), bytes.fromhex(unit)
    host.write(COMMAND, raw)
    assert host.response() == (5 if len(raw) > 2 else 0, INVALID)


def test_command_blocks_may_be_longer_than_16_bytes() -> None:
    host = Host()
    host.command(1, TEST_UNIT_READY + "00" * 14)
    assert host.sense() == (1, GOOD, b"")


def test_a_full_task_set_says_so() -> None:
    host = Host()
    for tag in range(65):
        host.command(tag, READ.format(0, 1))
    assert host.ready() == ("read", 0)
    assert host.sense() == (64, FULL, b"")


def test_the_host_may_change_transports_and_both_reach_the_same_disk() -> None:
    host = Host()
    host.command(1, READ.format(0, 1))
    host.device.select_interface(0, BULK_ONLY)
    cbw = struct.pack("<4sIIBBB16s", b"USBC", 1, 512, 0, 0, 10, bytes.fromhex(WRITE.format(3, 1)))
    for data in (cbw, b"\xaa" * 512):
        assert host.write(DATA_OUT, data) == [(Status.OK, len(data), b"")]
    assert host.read(13)[:4] == b"USBS"
    host.device.select_interface(0, UAS)
    assert host.manage(9, QUERY_SET) == (9, COMPLETE)
    host.command(1, READ.format(3, 1))
    assert (host.ready(), host.read(512)) == (("read", 1), b"\xaa" * 512)


def test_only_bulk_only_has_class_requests() -> None:
    host, get_max_lun = Host(), Setup(0xA1, 0xFE, 0, 0, 1)
    assert host.submit(Urb(0, 0x80, 0, 1, 0, b"", get_max_lun))[0][0] == Status.STALL
    host.device.select_interface(0, BULK_ONLY)
    assert host.submit(Urb(0, 0x80, 0, 1, 0, b"", get_max_lun)) == [(Status.OK, 1, b"\0")]
