"""emulator.devices.serial: what a CDC-ACM driver and a terminal program see."""

from __future__ import annotations

import os
import select
import struct
from pathlib import Path

import pytest

from emulator.device import VirtualDevice
from emulator.devices.serial import KIND, serial_gadget
from emulator.options import Options
from tests.support.usb import Waiter, bulk_in, bulk_out, control_urb, start
from wslusb.device.clock import VirtualClock
from wslusb.errors import LocalError
from wslusb.usb.ids import TransferType
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Status, Urb, UrbFlag

CODING = struct.Struct("<IBBB")
SET_CODING, GET_CODING = Setup(0x21, 0x20, 0, 0, 7), Setup(0xA1, 0x21, 0, 0, 7)
DTR, RTS = 1, 2


class Port:
    """A serial port as its driver has it: bulk both ways, notifications, class requests."""

    def __init__(self, **options: str) -> None:
        self.clock = VirtualClock()
        made = KIND.make(Options(options))
        self.device = VirtualDevice(made.gadget, made.firmware, clock=self.clock)

    def write(self, data: bytes) -> Waiter:
        return start(self.device, bulk_out(data))

    def read(self, length: int = 1024) -> Waiter:
        return start(self.device, bulk_in(length))

    def control(self, setup: Setup, data: bytes = b"") -> Waiter:
        return start(self.device, control_urb(setup, data))

    def lines(self, value: int) -> None:
        assert self.control(Setup(0x21, 0x22, value, 0, 0)).status == Status.OK

    def notification(self) -> Waiter:
        return start(self.device, Urb(0, 0x82, TransferType.INTERRUPT, 16, UrbFlag.SHORT_OK))

    def state(self) -> int:
        head, bits = struct.unpack("<8sH", self.notification().data)
        assert head == bytes.fromhex("a120000000000200")
        return int(bits)


def test_the_functional_descriptors_name_both_interfaces() -> None:
    control, _data = serial_gadget().configurations[0].interfaces
    assert [each.hex() for each in control.extra] == ["0524002001", "0524010001", "04240206", "0524060001"]


@pytest.mark.parametrize(("speed", "size", "interval"), [("full", 64, 32), ("high", 512, 9), ("super", 1024, 9)])
def test_sizes_and_intervals_are_those_of_the_speed(speed: str, size: int, interval: int) -> None:
    control, data = KIND.make(Options({"speed": speed})).gadget.configurations[0].interfaces
    assert [endpoint.max_packet_size for endpoint in data.endpoints] == [size] * 2
    assert control.endpoints[0].interval == interval


def test_an_echo_gives_back_what_it_got() -> None:
    port = Port()
    assert port.write(b"hello").status == Status.OK
    assert port.read().data == b"hello"


def test_a_full_packet_is_followed_by_an_empty_one() -> None:
    port = Port(speed="full")
    port.write(bytes(64))
    read = port.read(128)
    assert (read.status, read.data) == (Status.OK, bytes(64)), (
        "a URB with room for more ends, though no packet is short"
    )


def test_an_echo_holds_back_a_host_that_does_not_read() -> None:
    port = Port()
    sent = bytes(range(256)) * 512
    writes = [port.write(sent[at : at + 8192]) for at in range(0, len(sent), 8192)]
    assert sum(bool(write.completions) for write in writes) == 8, "64 KiB are held"
    got = b"".join(port.read().data for _ in range(len(sent) // 1024))
    assert got == sent
    assert all(write.status == Status.OK for write in writes)


def test_line_coding_is_kept_and_written_down(tmp_path: Path) -> None:
    port = Port(record=str(tmp_path / "record"))
    assert CODING.unpack(port.control(GET_CODING).data) == (9600, 0, 0, 8)
    assert port.control(SET_CODING, CODING.pack(115200, 2, 2, 7)).status == Status.OK
    assert CODING.unpack(port.control(GET_CODING).data) == (115200, 2, 2, 7)
    port.lines(DTR | RTS)
    port.control(Setup(0x21, 0x23, 0xFFFF, 0, 0))
    port.control(Setup(0x21, 0x23, 0, 0, 0))
    port.lines(0)
    expected = ["format 115200 7E2", "lines dtr rts", "break on", "break off", "lines -"]
    assert (tmp_path / "record").read_text().splitlines() == expected


@pytest.mark.parametrize("coding", [(9600, 3, 0, 8), (9600, 0, 5, 8), (9600, 0, 0, 9)])
def test_line_codings_that_do_not_exist_are_stalled(coding: tuple[int, int, int, int]) -> None:
    assert Port().control(SET_CODING, CODING.pack(*coding)).status == Status.STALL


@pytest.mark.parametrize(
    "setup",
    [Setup(0x21, 0x02, 0, 0, 2), Setup(0xA1, 0x03, 0, 0, 2), Setup(0x21, 0x20, 0, 0, 6), Setup(0xC0, 1, 0, 0, 1)],
)
def test_requests_that_the_descriptors_do_not_promise_are_stalled(setup: Setup) -> None:
    assert Port().control(setup, b"" if setup.is_in else bytes(setup.length)).status == Status.STALL


def test_opening_the_port_tells_how_the_lines_are() -> None:
    port = Port(lines="dcd+ring")
    waiting = port.notification()
    assert not waiting.completions
    port.lines(DTR)
    assert waiting.data[-2:] == b"\x09\0"


def test_a_loop_back_plug_joins_the_lines() -> None:
    port = Port(lines="loop")
    port.lines(DTR | RTS)
    assert port.state() == 0x03
    port.lines(RTS)
    assert port.state() == 0


def test_the_shell_drives_the_lines_and_breaks_are_told_once() -> None:
    port = Port(answer="shell", banner="ready ")
    port.lines(DTR)
    assert port.read().data == b"ready > "
    assert port.state() == 0x03
    port.write(b"lines ring\r\n")
    assert port.read().data == b"lines ring\r\nring\r\n> "
    assert port.state() == 0x08
    port.write(b"break\roverrun\r")
    assert port.state() == 0x08 | 0x04 | 0x40, "what was not asked for is told together"
    waiting = port.notification()
    assert not waiting.completions
    port.write(b"lines\r")
    assert waiting.data[-2:] == b"\0\0"


def test_the_shell_knows_the_format_and_mends_typing() -> None:
    port = Port(answer="shell")
    port.control(SET_CODING, CODING.pack(300, 0, 1, 7))
    port.write(b"forx\x7fmat\r")
    assert port.read().data == b"forx\b \bmat\r\n300 7O1\r\n> "
    port.write(b"fly\rlines up\r")
    assert b"no command fly" in (said := port.read().data)
    assert b"'up' is none of" in said


def test_the_modem_dials_talks_and_hangs_up() -> None:
    port = Port(answer="modem", lines="dsr")
    port.write(b"ATE0\r")
    assert port.read().data == b"ATE0\r\n\r\nOK\r\n"
    port.write(b"atd0\r")
    assert port.read().data == b"\r\nBUSY\r\n"
    port.write(b"ATDT 555\r")
    assert port.read().data == b"\r\nCONNECT 9600\r\n"
    assert port.state() == 0x03
    port.write(b"ATH +++")
    assert port.read().data == b"ATH +++", "data, for there was no silence"
    port.clock.advance(1.0)
    port.write(b"+++")
    assert port.read().data == b"+++"
    port.clock.advance(1.0)
    assert port.read().data == b"\r\nOK\r\n"
    port.write(b"ATH\r")
    assert port.read().data == b"\r\nOK\r\n"
    assert port.state() == 0x02


def test_talking_right_after_the_plusses_is_no_escape() -> None:
    port = Port(answer="modem")
    port.write(b"ATE0\rATD5\r")
    port.read()
    port.clock.advance(1.0)
    port.write(b"+++")
    port.clock.advance(0.5)
    port.write(b"more")
    port.clock.advance(5.0)
    assert port.read().data == b"+++more"
    assert not port.read().completions


def test_a_paced_line_takes_its_time_both_ways() -> None:
    port = Port(paced="yes")
    port.control(SET_CODING, CODING.pack(9600, 0, 0, 8))
    sent = bytes(range(240)) * 4
    write = port.write(sent)
    got, seconds = b"", 0.0
    reading = port.read(64)
    while len(got) < len(sent) and seconds < 5:
        if reading.completions:
            got += reading.data
            reading = port.read(64)
        else:
            port.clock.advance(0.01)
            seconds += 0.01
    assert (got, write.status) == (sent, Status.OK)
    assert seconds == pytest.approx(1.0, abs=0.2), "960 characters of 10 bits at 9600"


def test_a_pseudo_terminal_is_the_other_end_of_the_line(tmp_path: Path) -> None:
    made = KIND.make(Options({"pty": str(tmp_path / "tty")}))
    device = VirtualDevice(made.gadget, made.firmware)
    terminal = os.open(tmp_path / "tty", os.O_RDWR | os.O_NOCTTY)
    try:
        reading = start(device, bulk_in(512))
        os.write(terminal, b"to the host\x03\n")
        reading.wait()
        assert reading.data == b"to the host\x03\n"
        start(device, bulk_out(b"from the host\r")).wait()
        assert select.select([terminal], [], [], 5)[0]
        assert os.read(terminal, 64) == b"from the host\r"
    finally:
        os.close(terminal)
        device.close()


def test_a_pseudo_terminal_that_is_not_read_holds_the_host_back(tmp_path: Path) -> None:
    made = KIND.make(Options({"pty": str(tmp_path / "tty")}))
    device = VirtualDevice(made.gadget, made.firmware)
    terminal = os.open(tmp_path / "tty", os.O_RDWR | os.O_NOCTTY)
    try:
        sent = bytes(range(256)) * 1024
        write = start(device, bulk_out(sent))
        assert not write.completions
        got = b""
        while len(got) < len(sent) and select.select([terminal], [], [], 5)[0]:
            got += os.read(terminal, 65536)
        assert got == sent
        assert write.status == Status.OK
    finally:
        os.close(terminal)
        device.close()


def test_files_at_the_far_end(tmp_path: Path) -> None:
    (tmp_path / "say").write_bytes(b"good day")
    port = Port(file=str(tmp_path / "heard"), send=str(tmp_path / "say"))
    reading = port.read(8)
    assert not reading.completions, "nobody has opened the port"
    port.lines(DTR)
    assert reading.data == b"good day"
    port.write(b"what the host says")
    port.device.close()
    assert (tmp_path / "heard").read_bytes() == b"what the host says"


def test_the_link_to_the_pseudo_terminal_replaces_links_alone(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/nowhere")
    made = KIND.make(Options({"pty": str(tmp_path / "link")}))
    VirtualDevice(made.gadget, made.firmware).close()
    assert (tmp_path / "link").readlink() != Path("/nowhere")
    (tmp_path / "file").write_text("precious")
    with pytest.raises(LocalError, match=r"^pty: .*/file: File exists$"):
        KIND.make(Options({"pty": str(tmp_path / "file")}))


@pytest.mark.parametrize(
    "options",
    [{"lines": "dtr"}, {"answer": "cat"}, {"file": "/nowhere/at/all"}, {"pty": "/nowhere", "file": "/nowhere"}],
)
def test_options_that_make_no_line(options: dict[str, str]) -> None:
    with pytest.raises(LocalError):
        KIND.make(Options(options))


def test_plugged_in_again_it_is_quiet_and_answers() -> None:
    made = KIND.make(Options())
    device = VirtualDevice(made.gadget, made.firmware)
    start(device, bulk_out(b"left over"))
    device.close()
    again = VirtualDevice(made.gadget, made.firmware)
    reading = start(again, bulk_in(512))
    assert not reading.completions
    start(again, bulk_out(b"new"))
    assert reading.data == b"new"
