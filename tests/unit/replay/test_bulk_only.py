"""Model replay of a memory stick: commands in another order, with other tags, and blocks that were read together."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.support.recording import recorded
from tests.support.usb import Waiter, bulk_in, bulk_out
from wslusb.device import sync
from wslusb.device.api import Device
from wslusb.replay.device import Mode, ReplayDevice
from wslusb.replay.host import ReplayHost
from wslusb.replay.reading import read
from wslusb.replay.story import Story
from wslusb.usb.urb import Status

INQUIRY = bytes((0x12, 0, 0, 0, 36, 0))
SECONDS = 5.0


def read_10(block: int, count: int) -> bytes:
    return struct.pack(">BBIBHB", 0x28, 0, block, 0, count, 0)


def command(device: Device, tag: int, block: bytes, length: int) -> tuple[int, bytes, bytes]:
    """A command that reads: status of the data stage, data, and the status wrapper."""
    wrapper = struct.pack("<4sIIBBB16s", b"USBC", tag, length, 0x80, 0, len(block), block)
    assert sync.transfer(device, bulk_out(wrapper, endpoint=0x02), SECONDS).status == Status.OK
    data = sync.transfer(device, bulk_in(length), SECONDS)
    if data.status == Status.STALL:
        device.clear_halt(0x81)
    return data.status, data.data, sync.transfer(device, bulk_in(13), SECONDS).data


@pytest.fixture
def replay(tmp_path: Path) -> ReplayDevice:
    (tmp_path / "image").write_bytes(b"".join(bytes((number,)) * 512 for number in range(16)))
    device = recorded(tmp_path / "c", f"emulator:storage:file={tmp_path}/image")
    device.select_configuration(1)
    command(device, 1, INQUIRY, 36)
    command(device, 2, read_10(0, 8), 4096)
    device.close()
    return ReplayDevice(read(tmp_path / "c"), Mode.MODEL)


def test_a_tag_comes_back_whatever_the_order(replay: ReplayDevice) -> None:
    status, data, wrapper = command(replay, 0xABCD, read_10(0, 8), 4096)
    assert (status, data[:512], data[-512:]) == (Status.OK, bytes(512), b"\x07" * 512)
    assert wrapper == struct.pack("<4sIIB", b"USBS", 0xABCD, 0, 0)
    assert command(replay, 7, INQUIRY, 36)[1][8:15] == b"wslusb "
    assert not replay.log.kept


def test_blocks_of_one_read_answer_another(replay: ReplayDevice) -> None:
    assert command(replay, 5, read_10(3, 2), 1024) == (
        Status.OK, b"\x03" * 512 + b"\x04" * 512, struct.pack("<4sIIB", b"USBS", 5, 0, 0),
    )  # fmt: skip


def test_a_block_that_is_not_in_the_capture_is_an_error_of_the_disk(replay: ReplayDevice) -> None:
    status, data, wrapper = command(replay, 6, read_10(7, 2), 1024)
    assert (status, data, wrapper) == (Status.STALL, b"", struct.pack("<4sIIB", b"USBS", 6, 0, 1))
    (found,) = replay.log.kept
    assert found.what == "the capture has no such command: 28 00 00 00 00 07 00 00 02 00, 1024 bytes"
    assert command(replay, 8, read_10(0, 1), 512)[1] == bytes(512)


def hung(tmp_path: Path) -> Story:
    """A disk that answers a read, hangs at the same one until its host has reset the port, and answers it again."""
    path = tmp_path / "image"
    path.write_bytes(bytes(512))
    device = recorded(tmp_path / "c", f"emulator:storage:file={path}")
    device.select_configuration(1)
    for tag in (1, 2, 3):
        command(device, tag, read_10(0, 1), 512)
    device.close()
    story = read(tmp_path / "c")
    data, status = [each for each in story.exchanges if each.lane == 0x81][2:4]
    assert data.answer is not None
    data.answer.data, data.answer.length, data.answer.status = b"", 0, -2
    story.exchanges.remove(status)
    return story


def test_a_command_that_was_never_answered_is_not_answered_in_its_turn(tmp_path: Path) -> None:
    replay = ReplayDevice(hung(tmp_path), Mode.MODEL)
    assert command(replay, 7, read_10(0, 1), 512)[0] == Status.OK
    wrapper = struct.pack("<4sIIBBB16s", b"USBC", 8, 512, 0x80, 0, 10, read_10(0, 1))
    assert sync.transfer(replay, bulk_out(wrapper, endpoint=0x02), SECONDS).status == Status.OK
    waiter = Waiter()
    urb = bulk_in(512)
    replay.submit(urb, waiter)
    assert not waiter.completions
    replay.cancel(urb)
    assert waiter.wait().status == Status.CANCELLED
    assert [command(replay, tag, read_10(0, 1), 512)[0] for tag in (9, 10)] == [Status.OK, Status.OK]
    assert not replay.log.kept


def test_a_disk_that_hung_differs_in_nothing_from_itself(tmp_path: Path) -> None:
    story = hung(tmp_path)
    replay = ReplayDevice(story, Mode.MODEL)
    assert not ReplayHost(story).play(replay).report()
    assert not replay.log.kept
