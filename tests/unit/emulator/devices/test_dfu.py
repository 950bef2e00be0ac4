"""emulator.devices.dfu: a host that upgrades firmware, step by step (DFU 1.1)."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.device import VirtualDevice
from emulator.devices.dfu import KIND
from emulator.devices.dfu_parts.words import Request, State, Status
from emulator.options import Options
from emulator.provider import EmulatorProvider
from tests.support.usb import Waiter, control_urb, start
from wslusb.device.clock import VirtualClock
from wslusb.errors import LocalError
from wslusb.usb import urb as usb
from wslusb.usb.info import DeviceInfo
from wslusb.usb.setup import Setup

RUNTIME, LOADER = 0x0008, 0x0009
BLOCK = 1024


class Host:
    """The port that the device is in, and the requests of the DFU class."""

    def __init__(self, **options: str) -> None:
        self.clock = VirtualClock()
        self.provider = EmulatorProvider([KIND.make(Options(options))], clock=self.clock)
        self.plug()

    @property
    def info(self) -> DeviceInfo:
        return self.provider.devices()[0]

    def plug(self) -> None:
        self.device = self.provider.open(self.info)

    def request(self, request: Request, value: int = 0, data: bytes = b"", length: int = 0) -> Waiter:
        asks = request in (Request.UPLOAD, Request.GETSTATUS, Request.GETSTATE)
        setup = Setup(0xA1 if asks else 0x21, request, value, 0, length or len(data))
        return start(self.device, control_urb(setup, data))

    def state(self) -> int:
        return self.request(Request.GETSTATE, length=1).data[0]

    def status(self) -> tuple[int, int, int]:
        """Status, state and milliseconds to wait."""
        reply = self.request(Request.GETSTATUS, length=6).data
        return reply[0], reply[4], int.from_bytes(reply[1:4], "little")

    def enter(self) -> None:
        assert self.request(Request.DETACH, 1000).status == usb.Status.OK
        self.clock.advance(0.1)
        self.plug()

    def settle(self) -> tuple[int, int]:
        """Ask until the device is not busy any more."""
        while True:
            status, state, wait = self.status()
            if state not in (State.DNBUSY, State.MANIFEST):
                return status, state
            self.clock.advance(wait / 1000)

    def download(self, image: bytes, step: int = BLOCK) -> int:
        for number, at in enumerate(range(0, len(image), step)):
            assert self.request(Request.DNLOAD, number, image[at : at + step]).status == usb.Status.OK
            assert self.settle() == (Status.OK, State.DNLOAD_IDLE)
        self.request(Request.DNLOAD, -(-len(image) // step))
        return self.settle()[1]

    def upload(self) -> bytes:
        got, number = b"", 0
        while True:
            block = self.request(Request.UPLOAD, number, length=BLOCK).data
            got, number = got + block, number + 1
            if len(block) < BLOCK:
                return got


def test_detach_takes_the_device_off_the_bus_and_back_as_its_loader() -> None:
    host = Host()
    assert (host.info.product, host.info.bcd_device) == (RUNTIME, 0x0100)
    assert host.state() == State.APP_IDLE
    before = host.device
    assert isinstance(before, VirtualDevice)
    host.enter()
    assert before.closed
    assert (host.info.product, host.info.serial) == (LOADER, "DFU0001")
    assert host.status() == (Status.OK, State.IDLE, 0)


def test_a_download_makes_it_the_device_of_the_new_version(tmp_path: Path) -> None:
    image = b"FW\x34\x12" + bytes(range(256)) * 17
    host = Host(image=str(tmp_path / "flash"))
    host.enter()
    assert host.download(image) == State.MANIFEST_WAIT_RESET
    assert (tmp_path / "flash").read_bytes() == image
    host.device.reset()
    host.clock.advance(0)
    assert (host.info.product, host.info.bcd_device) == (RUNTIME, 0x1234)
    assert Host(image=str(tmp_path / "flash")).info.bcd_device == 0x1234


@given(image=st.binary(min_size=1, max_size=5000), step=st.integers(1, BLOCK))
def test_what_went_down_comes_up(image: bytes, step: int) -> None:
    host = Host(tolerant="yes")
    host.enter()
    assert host.download(image, max(step, len(image) // 20)) == State.IDLE
    assert host.upload() == image
    assert host.status()[:2] == (Status.OK, State.IDLE)


def test_an_image_without_a_version_is_the_next_one() -> None:
    host = Host()
    host.enter()
    host.download(b"anything")
    host.device.reset()
    host.clock.advance(0)
    assert host.info.bcd_device == 0x0101


def test_writing_takes_the_time_that_the_device_asks_for() -> None:
    host = Host(poll="50")
    host.enter()
    host.request(Request.DNLOAD, 0, b"block")
    assert host.status() == (Status.OK, State.DNBUSY, 50)
    host.clock.advance(0.049)
    assert host.request(Request.GETSTATUS, length=6).status == usb.Status.STALL, "too early"
    assert host.status()[:2] == (Status.STALLED_PACKET, State.ERROR)
    assert host.request(Request.CLRSTATUS).status == usb.Status.OK
    assert host.state() == State.IDLE


@pytest.mark.parametrize(
    ("request_", "value", "data", "status"),
    [
        (Request.DNLOAD, 0, b"", Status.STALLED_PACKET),
        (Request.DNLOAD, 0, bytes(BLOCK + 1), Status.ADDRESS),
        (Request.CLRSTATUS, 0, b"", Status.STALLED_PACKET),
    ],
)
def test_requests_that_the_idle_state_does_not_allow(
    request_: Request, value: int, data: bytes, status: Status
) -> None:
    host = Host()
    host.enter()
    assert host.request(request_, value, data).status == usb.Status.STALL
    assert host.status()[:2] == (status, State.ERROR)


def test_an_image_that_does_not_fit_and_a_block_that_is_missing_are_refused() -> None:
    host = Host(size="1500")
    host.enter()
    host.request(Request.DNLOAD, 0, bytes(BLOCK))
    assert host.settle()[1] == State.DNLOAD_IDLE
    assert host.request(Request.DNLOAD, 1, bytes(BLOCK)).status == usb.Status.STALL
    assert host.settle() == (Status.ADDRESS, State.ERROR)
    host.request(Request.CLRSTATUS)
    host.request(Request.DNLOAD, 0, b"first")
    host.settle()
    host.request(Request.DNLOAD, 2, b"third")
    assert host.settle() == (Status.ADDRESS, State.ERROR)


def test_abort_forgets_the_download() -> None:
    host = Host()
    host.enter()
    host.request(Request.DNLOAD, 0, b"some")
    host.settle()
    assert host.request(Request.ABORT).status == usb.Status.OK
    assert (host.state(), host.upload()) == (State.IDLE, b"")


def test_a_reset_after_the_enumeration_ends_dfu_mode_unchanged() -> None:
    host = Host()
    host.enter()
    host.device.reset()
    host.clock.advance(0)
    assert host.info.product == LOADER, "nobody has spoken to it: the reset is part of the enumeration"
    host.status()
    host.device.reset()
    host.clock.advance(0)
    assert (host.info.product, host.info.bcd_device) == (RUNTIME, 0x0100)


def test_a_new_configuration_is_no_reset_and_leaves_both_modes_as_they_are() -> None:
    host = Host(detach="no")
    host.request(Request.DETACH, 500)
    host.device.select_configuration(0)
    host.clock.advance(0)
    assert (host.info.product, host.state()) == (RUNTIME, State.APP_DETACH)
    host.device.reset()
    host.clock.advance(0)
    host.plug()
    host.status()
    host.device.select_configuration(0)
    host.clock.advance(0)
    assert host.info.product == LOADER


def test_a_device_that_does_not_detach_by_itself_waits_for_a_reset_and_no_longer_than_told() -> None:
    host = Host(detach="no")
    host.request(Request.DETACH, 500)
    assert host.state() == State.APP_DETACH
    host.clock.advance(0.6)
    assert host.state() == State.APP_IDLE
    host.request(Request.DETACH, 500)
    host.device.reset()
    host.clock.advance(0)
    assert host.info.product == LOADER


def test_both_modes_have_the_functional_descriptor() -> None:
    host = Host(tolerant="yes")
    descriptor = bytes.fromhex("09210fe80300041001")
    assert host.info.configurations[0].endswith(descriptor)
    host.enter()
    assert host.info.configurations[0].endswith(descriptor)


def test_a_size_that_is_none() -> None:
    with pytest.raises(LocalError):
        KIND.make(Options({"size": "0"}))
