"""Replay of captures that were redacted: what was taken out is not compared, and everything else is."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import pytest

from tests.support.recording import recorded
from tests.support.usb import bulk_in, bulk_out
from tests.unit.replay.test_bulk_only import SECONDS, command, read_10
from wslusb.capture.redact_file import redact_file
from wslusb.device import sync
from wslusb.device.api import Device
from wslusb.device.faults import Fault, Faulty, Plan, Short, Where
from wslusb.device.registry import load_provider
from wslusb.replay.device import Mode, ReplayDevice
from wslusb.replay.host import ReplayHost
from wslusb.replay.reading import read
from wslusb.usb.ids import TransferType
from wslusb.usb.setup import Request, Setup
from wslusb.usb.urb import Status, Urb, UrbFlag

SERIAL = Setup(0x80, Request.GET_DESCRIPTOR, 0x0303, 0x0409, 255)
PRODUCT = Setup(0x80, Request.GET_DESCRIPTOR, 0x0302, 0x0409, 255)


def string(device: Device, setup: Setup) -> bytes:
    urb = Urb(0, 0x80, TransferType.CONTROL, setup.length, UrbFlag.SHORT_OK, b"", setup)
    return sync.transfer(device, urb, SECONDS).data


def write_10(device: Device, data: bytes) -> tuple[int, bytes]:
    """Write block 1: status of the data stage, and the status wrapper."""
    block = struct.pack(">BBIBHB", 0x2A, 0, 1, 0, 1, 0)
    wrapper = struct.pack("<4sIIBBB16s", b"USBC", 1, 512, 0, 0, len(block), block)
    sync.transfer(device, bulk_out(wrapper, endpoint=0x02), SECONDS)
    status = sync.transfer(device, bulk_out(data, endpoint=0x02), SECONDS).status
    return status, sync.transfer(device, bulk_in(13), SECONDS).data


def use(device: Device, data: bytes) -> tuple[int, bytes]:
    device.select_configuration(1)
    string(device, PRODUCT)
    string(device, SERIAL)
    written = write_10(device, data)
    command(device, 2, read_10(1, 1), 512)
    return written


@pytest.fixture
def redacted(tmp_path: Path) -> Path:
    device = recorded(tmp_path / "raw", "emulator:storage:serial=A5XK3RJT0017")
    use(device, b"diary" * 102 + b"..")
    device.close()
    redact_file(tmp_path / "raw", tmp_path / "bug.pcapng")
    return tmp_path / "bug.pcapng"


def difference(capture: Path, spec: str) -> list[str]:
    provider = load_provider(spec)
    device = provider.open(next(iter(provider.devices())))
    try:
        return ReplayHost(read(capture), patience=0.05).play(device).report()
    finally:
        device.close()


def test_as_a_host_the_device_itself_answers_the_same(redacted: Path, tmp_path: Path) -> None:
    (tmp_path / "image").write_bytes(b"what is on another stick" * 1000)
    assert difference(redacted, f"emulator:storage:file={tmp_path}/image,serial=B7") == []


def test_what_stays_is_compared(redacted: Path) -> None:
    found = difference(redacted, "emulator:uas")
    assert any("control IN, setup 80 06 02 03" in line for line in found)


@pytest.mark.parametrize("mode", Mode)
def test_as_a_device_it_takes_what_the_host_writes(redacted: Path, mode: Mode) -> None:
    device = ReplayDevice(read(redacted), mode)
    for setup in (Setup(0x80, 6, 0x0100, 0, 18), Setup(0x80, 6, 0x0200, 0, 32)):
        string(device, setup)
    status, wrapper = use(device, b"other" * 102 + b"..")
    assert (status, wrapper[12]) == (Status.OK, 0)
    assert device.log.report() == []


def test_more_bytes_than_were_written_are_not_the_same(redacted: Path) -> None:
    device = ReplayDevice(read(redacted), Mode.MODEL)
    device.select_configuration(1)
    assert write_10(device, bytes(1024))[0] != Status.OK
    assert "the host writes other data" in device.log.report()[0]


def test_a_read_that_brings_fewer_bytes_differs(redacted: Path) -> None:
    provider = load_provider("emulator:storage")
    healthy = provider.open(next(iter(provider.devices())))
    device = Faulty(healthy, Plan([Fault(Short(), Where(endpoint=0x81, length=512))], seed=1))
    (line, *_) = ReplayHost(read(redacted), patience=0.05).play(device).report()
    device.close()
    assert "another answer from byte" in line
    assert line.endswith("bulk IN 0x81, 512 bytes")


def test_a_capture_that_was_not_redacted_is_compared_with_its_zeroes(redacted: Path) -> None:
    raw = redacted.with_name("raw")
    assert not read(raw).redacted
    assert "another answer from byte 2" in difference(raw, "emulator:storage:serial=B7XK3RJT0017")[0]


def test_a_packed_capture_tells_as_well_that_it_was_redacted(redacted: Path, tmp_path: Path) -> None:
    packed = tmp_path / "bug.pcapng.gz"
    packed.write_bytes(gzip.compress(redacted.read_bytes()))
    assert read(packed).redacted
