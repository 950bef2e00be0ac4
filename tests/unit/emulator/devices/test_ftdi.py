"""emulator.devices.ftdi: what ftdi_sio sees of an FT232R."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.device import VirtualDevice
from emulator.devices.ftdi import KIND
from emulator.devices.ftdi_parts.divisor import baud_rate, encode
from emulator.devices.ftdi_parts.eeprom import checksum
from emulator.options import Options
from tests.support.usb import Waiter, bulk_in, bulk_out, control_urb, start
from wslusb.device.clock import VirtualClock
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Status

LINES_UP, IDLE = 0xB1, 0x60


class Port:
    """The chip as its driver has it."""

    def __init__(self, **options: str) -> None:
        self.clock = VirtualClock()
        made = KIND.make(Options(options))
        self.device = VirtualDevice(made.gadget, made.firmware, clock=self.clock)

    def write(self, data: bytes) -> Waiter:
        return start(self.device, bulk_out(data, endpoint=0x02))

    def read(self, length: int = 512) -> Waiter:
        return start(self.device, bulk_in(length))

    def set(self, request: int, value: int, index: int = 0) -> int:
        return start(self.device, control_urb(Setup(0x40, request, value, index, 0))).status

    def get(self, request: int, length: int, index: int = 0) -> bytes:
        return start(self.device, control_urb(Setup(0xC0, request, 0, index, length))).data


def test_the_status_alone_comes_when_the_latency_timer_runs_out() -> None:
    port = Port()
    reading = port.read()
    port.clock.advance(0.015)
    assert not reading.completions
    port.clock.advance(0.002)
    assert reading.data == bytes((LINES_UP, IDLE))
    port.set(0x09, 2)
    assert port.get(0x0A, 1) == b"\x02"
    reading = port.read()
    port.clock.advance(0.0021)
    assert reading.data == bytes((LINES_UP, IDLE))


def test_a_few_characters_wait_for_the_timer_and_62_do_not() -> None:
    port = Port()
    reading = port.read()
    port.write(b"few")
    assert not reading.completions
    port.clock.advance(0.016)
    assert reading.data == bytes((LINES_UP, IDLE)) + b"few"
    sent = bytes(range(62)) * 2
    port.write(sent)
    head = bytes((LINES_UP, IDLE))
    assert port.read(128).data == head + sent[:62] + head + sent[62:], "every packet has the status"


def test_the_event_character_does_not_wait() -> None:
    port = Port()
    port.set(0x06, 0x10D)
    reading = port.read()
    port.write(b"line")
    assert not reading.completions
    port.write(b"\r")
    assert reading.data[2:] == b"line\r"
    port.set(0x06, 0)
    reading = port.read()
    port.write(b"line\r")
    assert not reading.completions


@given(data=st.binary(min_size=1, max_size=2000), room=st.sampled_from([64, 128, 512, 4096]))
def test_what_is_sent_comes_back_in_packets_of_62_and_status(data: bytes, room: int) -> None:
    port = Port()
    port.write(data)
    got = b""
    while len(got) < len(data):
        reading = port.read(room)
        port.clock.advance(0.016)
        packets = [reading.data[at : at + 64] for at in range(0, len(reading.data), 64)]
        assert all(packet[:2] == bytes((LINES_UP, IDLE)) for packet in packets)
        got += b"".join(packet[2:] for packet in packets)
    assert got == data


def test_the_lines_of_the_host_and_of_a_loop_back_plug() -> None:
    port = Port(lines="loop")
    assert port.get(0x05, 2) == bytes((0x01, IDLE))
    assert port.set(0x01, 0x0303) == Status.OK
    assert port.get(0x05, 2) == bytes((LINES_UP, IDLE))
    port.set(0x01, 0x0200)
    assert port.get(0x05, 2) == bytes((0xA1, IDLE)), "RTS down takes CTS down"


def test_a_change_of_a_line_is_told_at_once_and_a_break_comes_with_a_character() -> None:
    port = Port(answer="shell", lines="none")
    port.write(b"lines ring\r")
    port.clock.advance(0.016)
    port.read()
    reading = port.read(64)
    port.write(b"break\r")
    assert reading.data[0] == 0x41
    assert reading.data[1] & 0x10
    assert b"\0" in reading.data[2:]
    assert not port.get(0x05, 2)[1] & 0x10


def test_format_and_break_are_decoded(tmp_path: Path) -> None:
    port = Port(record=str(tmp_path / "record"))
    port.set(0x03, 0x001A)
    port.set(0x04, 7 | 2 << 8 | 2 << 11)
    port.set(0x04, 7 | 2 << 8 | 2 << 11 | 0x4000)
    port.set(0x04, 7 | 2 << 8 | 2 << 11)
    lines = ["format 115385 8N1", "format 115385 7E2", "break on", "break off"]
    assert (tmp_path / "record").read_text().splitlines() == lines


def test_reset_lets_the_lines_drop_and_forgets_what_has_arrived() -> None:
    port = Port(lines="loop")
    port.set(0x01, 0x0303)
    port.write(b"left over")
    port.set(0x00, 0)
    reading = port.read()
    port.clock.advance(0.016)
    assert reading.data == bytes((0x01, IDLE))


@pytest.mark.parametrize(
    ("value", "index", "baud"),
    [(0, 0, 3_000_000), (1, 0, 2_000_000), (2, 0, 1_500_000), (0x001A, 0, 115_385), (0x4138, 0, 9_600),
     (0x8034, 0, 57_416), (0x2710, 0, 300), (0x0001, 1, 2_181_818)],
)  # fmt: skip
def test_divisors(value: int, index: int, baud: int) -> None:
    assert baud_rate(value, index) == pytest.approx(baud, rel=0.002)


@given(st.integers(184, 1_500_000))
def test_a_rate_is_decoded_to_the_nearest_that_the_divisor_has(baud: int) -> None:
    assert baud_rate(*encode(baud)) == round(24e6 / round(24e6 / baud))


def test_the_eeprom_tells_who_the_chip_is_and_can_be_written() -> None:
    port = Port(serial="A7")
    words = [int.from_bytes(port.get(0x90, 2, at), "little") for at in range(64)]
    assert words[1:4] == [0x0403, 0x6001, 0x0600]
    assert checksum(words[:63]) == words[63]
    offset, length = port.get(0x90, 2, 9)
    raw = b"".join(word.to_bytes(2, "little") for word in words)
    assert raw[offset & 0x7F :][:length] == bytes((6, 3)) + "A7".encode("utf-16-le")
    port.set(0x91, 0xBEEF, 5)
    assert port.get(0x90, 2, 5) == b"\xef\xbe"
    port.set(0x92, 0)
    assert port.get(0x90, 2, 5) == b"\xff\xff"


def test_bit_bang_pins_read_back_and_unknown_requests_are_stalled() -> None:
    port = Port()
    assert port.set(0x0B, 0x20F5) == Status.OK
    assert port.get(0x0C, 1) == b"\xf5"
    assert port.set(0x55, 0) == Status.STALL


def test_closing_the_device_stops_its_timers() -> None:
    port = Port()
    reading = port.read()
    port.device.close()
    port.clock.advance(1)
    assert reading.status == Status.CANCELLED
