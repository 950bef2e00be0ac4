from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from emulator import device_provider
from hil.clients.bulk_only import Buffer, BulkOnlyError, Capacity, Stick
from wslusb.device import sync
from wslusb.device.api import Device
from wslusb.usb.ids import TransferType
from wslusb.usb.urb import Urb, UrbFlag


def stick_on(device: Device) -> Stick:
    def send(data: Buffer) -> None:
        result = sync.transfer(device, Urb(0, 0x02, TransferType.BULK, len(data), 0, data), 5)
        assert result.status == 0

    def receive(length: int) -> bytes:
        return sync.transfer(device, Urb(0, 0x81, TransferType.BULK, length, UrbFlag.SHORT_OK), 5).data

    return Stick(send, receive)


@pytest.fixture
def stick() -> Iterator[Stick]:
    provider = device_provider("storage:size=1M,serial=0123456789AB")
    device = provider.open(provider.devices()[0])
    yield stick_on(device)
    device.close()
    provider.close()


class Scripted:
    """A stick that says what it is told to say."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.sent: list[bytes] = []
        self.stick = Stick(lambda data: self.sent.append(bytes(data)), lambda _: self.answers.pop(0))


def status(tag: int, code: int = 0) -> bytes:
    return b"USBS" + tag.to_bytes(4, "little") + bytes(4) + bytes([code])


def test_a_stick_tells_who_it_is(stick: Stick) -> None:
    stick.wait_ready()
    assert stick.inquiry().vendor == "wslusb"
    assert stick.capacity() == Capacity(2048, 512)
    assert stick.capacity().size == 1 << 20
    assert str(stick.capacity()) == "1 MiB in blocks of 512"


def test_what_was_written_can_be_read(stick: Stick) -> None:
    data = random.Random(5).randbytes(64 * 512)
    stick.write(100, data)
    assert bytes(stick.read(100, 64)) == data
    assert bytes(stick.read(99, 1)) == bytes(512)


def test_only_whole_blocks_can_be_written(stick: Stick) -> None:
    with pytest.raises(ValueError, match="no whole number of blocks"):
        stick.write(0, bytes(513))


def test_a_command_is_packed_as_the_specification_says() -> None:
    scripted = Scripted(bytes(512), status(1))
    scripted.stick.read(0x01020304, 1)
    assert scripted.sent == [bytes.fromhex("55534243 01000000 00020000 80 00 0a 2800010203040000010000000000 0000")]


def test_a_refused_write_is_an_error() -> None:
    with pytest.raises(BulkOnlyError, match="1 blocks at 7 failed"):
        Scripted(status(1, 1)).stick.write(7, bytes(512))


def test_a_refused_read_is_an_error() -> None:
    with pytest.raises(BulkOnlyError, match="command 0x28 failed"):
        Scripted(b"", status(1, 1)).stick.read(0, 1)


@pytest.mark.parametrize(
    "answer",
    [status(2), status(1, 2), b"USBX" + status(1)[4:], status(1)[:-1]],
    ids=["another tag", "phase error", "signature", "short"],
)
def test_a_status_that_does_not_fit_is_an_error(answer: bytes) -> None:
    with pytest.raises(BulkOnlyError, match="status"):
        Scripted(answer).stick.wait_ready()


def test_short_data_are_an_error() -> None:
    with pytest.raises(BulkOnlyError, match="511 of 512"):
        Scripted(bytes(511), status(1)).stick.read(0, 1)
    with pytest.raises(BulkOnlyError, match="INQUIRY brought 5"):
        Scripted(bytes(5), status(1)).stick.inquiry()
    with pytest.raises(BulkOnlyError, match="READ CAPACITY brought 7"):
        Scripted(bytes(7), status(1)).stick.capacity()


def test_a_stick_that_was_just_plugged_in_gets_another_chance() -> None:
    scripted = Scripted(status(1, 1), bytes(18), status(2), status(3))
    scripted.stick.wait_ready()
    assert [command[15] for command in scripted.sent] == [0x00, 0x03, 0x00]


def test_a_stick_that_never_gets_ready_is_an_error() -> None:
    answers = [answer for n in range(1, 11, 2) for answer in (status(n, 1), bytes(18), status(n + 1))]
    with pytest.raises(BulkOnlyError, match="does not become ready"):
        Scripted(*answers).stick.wait_ready()
