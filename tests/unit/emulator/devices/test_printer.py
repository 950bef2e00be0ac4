"""emulator.devices.printer: what arrives is printed, in order and once, and paper ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.catalogue import parse_models
from emulator.device import VirtualDevice
from tests.support.usb import bulk_in, bulk_out, start
from wslusb.device import sync
from wslusb.device.clock import VirtualClock
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Status

READY, OUT_OF_PAPER = b"\x18", b"\x30"


class Office:
    """A printer, in virtual time, and the file that it prints to."""

    def __init__(self, directory: Path, options: str = "") -> None:
        self.file = directory / "printed"
        (model,) = parse_models(f"printer:file={self.file}{options}")
        self.clock = VirtualClock()
        self.device = VirtualDevice(model.gadget, model.firmware, clock=self.clock)

    def ask(self, *setup: int) -> bytes | None:
        result = sync.control(self.device, Setup(*setup))
        return result.data if result.status == Status.OK else None

    @property
    def status(self) -> bytes | None:
        return self.ask(0xA1, 1, 0, 0, 1)

    def read(self) -> bytes:
        return start(self.device, bulk_in(8192, endpoint=0x82)).data


def test_what_arrives_is_printed(tmp_path: Path) -> None:
    office = Office(tmp_path)
    pieces = [b"", b"first\n", bytes(range(256)) * 20, b"last"]
    for piece in pieces:
        assert start(office.device, bulk_out(piece)).status == Status.OK
    assert office.file.read_bytes() == b"".join(pieces)
    assert office.status == READY


def test_device_id_begins_with_its_length(tmp_path: Path) -> None:
    office = Office(tmp_path, ",serial=ABC")
    identity = office.ask(0xA1, 0, 0, 0x0000, 1023)
    assert identity is not None
    assert int.from_bytes(identity[:2], "big") == len(identity)
    fields = dict(field.split(":") for field in identity[2:].decode().split(";") if field)
    assert fields.items() >= {"MFG": "wslusb", "CLS": "PRINTER", "SN": "ABC"}.items()
    assert office.ask(0xA1, 0, 0, 0x0001, 2) == identity[:2], "Linux asks for the alternate setting that it chose"
    assert office.ask(0xA1, 0, 0, 0x0100, 1023) is None, "there is no interface 1"
    assert office.ask(0xA1, 0, 1, 0, 1023) is None, "there is no second configuration"


@pytest.mark.parametrize("speed", ["full", "high"])
def test_it_stops_when_paper_ends_and_goes_on_with_more(tmp_path: Path, speed: str) -> None:
    office = Office(tmp_path, f",paper=1200,refill=500,speed={speed}")
    job = bytes(range(250)) * 10
    waiter = start(office.device, bulk_out(job))
    assert not waiter.finished.is_set()
    packet = 512 if speed == "high" else 64
    assert office.file.read_bytes() == job[: 1200 - 1200 % packet]
    assert office.status == OUT_OF_PAPER
    office.clock.advance(1.5)
    assert waiter.wait().actual_length == len(job)
    assert office.file.read_bytes() == job
    assert office.status == READY


def test_paper_is_brought_once_for_each_time_that_it_ran_out(tmp_path: Path) -> None:
    office = Office(tmp_path, ",paper=512,refill=500")
    job = bulk_out(bytes(600))
    start(office.device, job)
    office.clock.advance(0.2)
    office.device.cancel(job)
    waiter = start(office.device, bulk_out(bytes(100)))
    office.clock.advance(0.4)
    assert waiter.wait().status == Status.OK
    start(office.device, bulk_out(bytes(512 - 100)))
    late = start(office.device, bulk_out(b"x"))
    office.clock.advance(0.4)
    assert not late.finished.is_set(), "the paper ran out again 0.4 s ago"
    office.clock.advance(0.2)
    assert late.wait().status == Status.OK


def test_nobody_brings_paper(tmp_path: Path) -> None:
    office = Office(tmp_path, ",paper=64")
    waiter = start(office.device, bulk_out(bytes(600)))
    office.clock.advance(3600)
    assert not waiter.finished.is_set()
    office.device.reset()
    office.device.select_configuration(1)
    assert office.status == OUT_OF_PAPER, "a reset is not paper"


def test_paper_comes_though_the_device_was_configured_meanwhile(tmp_path: Path) -> None:
    office = Office(tmp_path, ",paper=512,refill=100")
    start(office.device, bulk_out(bytes(600)))
    office.device.select_configuration(1)
    office.clock.advance(0.2)
    assert start(office.device, bulk_out(b"again")).status == Status.OK
    assert office.file.read_bytes() == bytes(512) + b"again"


def test_job_language_is_answered_though_it_comes_in_pieces(tmp_path: Path) -> None:
    office = Office(tmp_path)
    for piece in (b"\x1b%-12345X@PJL INFO", b" ID\r\n@PJL ECHO 12 three\r\n@PJL SET X=1\r\n@PJL INFO STATUS\n"):
        start(office.device, bulk_out(piece))
    assert office.read() == b'@PJL INFO ID\r\n"Virtual printer"\r\n\f'
    assert office.read() == b"@PJL ECHO 12 three\r\n\f"
    assert b"CODE=10001" in office.read()


def test_unidirectional_setting_answers_nothing(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.device.select_interface(0, 1)
    assert start(office.device, bulk_out(b"@PJL INFO ID\r\n")).status == Status.OK
    assert start(office.device, bulk_in(endpoint=0x82)).status == Status.INVALID


@pytest.mark.parametrize("request_type", [0x21, 0x23])
def test_soft_reset_forgets_answers_and_halts(tmp_path: Path, request_type: int) -> None:
    office = Office(tmp_path)
    start(office.device, bulk_out(b"@PJL INFO ID\r\n@PJL INFO"))
    sync.control(office.device, Setup(0x02, 3, 0, 0x01, 0))
    assert start(office.device, bulk_out(b"x")).status == Status.STALL
    assert sync.control(office.device, Setup(request_type, 2, 0, 0, 0)).status == Status.OK
    start(office.device, bulk_out(b" ID\r\n@PJL ECHO now\r\n"))
    assert office.read() == b"@PJL ECHO now\r\n\f"


@pytest.mark.parametrize("setup", [(0xA1, 3, 0, 0, 1), (0xC1, 0, 0, 0, 1), (0xA1, 1, 1, 0, 1)])
def test_other_requests_are_stalled(tmp_path: Path, setup: tuple[int, ...]) -> None:
    assert Office(tmp_path).ask(*setup) is None


def test_paper_comes_while_nobody_has_configured_the_printer(tmp_path: Path) -> None:
    office = Office(tmp_path, ",paper=512,refill=100")
    start(office.device, bulk_out(bytes(600)))
    office.device.reset()
    office.clock.advance(0.2)
    assert sync.control(office.device, Setup(0x21, 2, 0, 0, 0)).status == Status.OK
    office.device.select_configuration(1)
    assert (office.status, start(office.device, bulk_out(b"again")).status) == (READY, Status.OK)
