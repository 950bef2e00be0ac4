"""A host that does something else: its URB fails, the log has a diff with the place in the file, and nothing hangs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.device_bench import Bench
from tests.integration.test_device_contract_emulator import ECHO
from tests.support.recording import recorded
from tests.support.usb import bulk_in, bulk_out, start
from wslusb.device.clock import VirtualClock
from wslusb.replay.device import PATIENCE, Mode, ReplayDevice
from wslusb.replay.reading import read
from wslusb.replay.story import Story
from wslusb.replay.wildcards import Wildcards
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Status


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """Two questions and their answers."""
    device = recorded(tmp_path / "c")
    bench = Bench(device)
    bench.use(ECHO)
    for question in (b"first", b"second"):
        reader = bench.read(ECHO, 512)
        bench.write(ECHO, question).wait()
        reader.wait()
    device.close()
    return read(tmp_path / "c")


def opened(story: Story, mode: Mode, clock: VirtualClock | None = None, ignore: str = "") -> ReplayDevice:
    wildcards = Wildcards([ignore] if ignore else [])
    device = ReplayDevice(story, mode, clock=clock or VirtualClock(), wildcards=wildcards)
    if mode is Mode.STRICT:
        for exchange in story.exchanges[:3]:
            Bench(device).control(Setup.unpack(exchange.request.setup)).wait()
    device.select_configuration(ECHO.configuration)
    device.select_interface(0, 0)
    return device


@pytest.mark.parametrize("mode", list(Mode))
def test_other_data_is_a_diff(story: Story, mode: Mode) -> None:
    device = opened(story, mode)
    reader = start(device, bulk_in())
    assert start(device, bulk_out(b"fiRst")).status == Status.FAILED
    (found,) = device.log.kept
    number = next(each.number for each in story.exchanges if each.request.data == b"first")
    assert str(found).splitlines() == [
        f"packet {number}: the host asked other data from byte 2",
        "  - bulk OUT 0x01, 5 bytes: 66 69 72 73 74",
        "  + bulk OUT 0x01, 5 bytes: 66 69 52 73 74",
        "  pending: bulk IN 0x81, 512 bytes",
    ]
    assert not reader.completions
    device.close()
    assert reader.status == Status.CANCELLED


@pytest.mark.parametrize("mode", list(Mode))
def test_what_is_ignored_is_no_difference(story: Story, mode: Mode) -> None:
    device = opened(story, mode, ignore="0x01:2")
    reader = start(device, bulk_in())
    assert start(device, bulk_out(b"fiRst")).status == Status.OK
    assert (reader.status, reader.data) == (Status.OK, b"first")
    assert not device.log.kept


def test_a_host_that_skips_something_is_followed(story: Story) -> None:
    device = opened(story, Mode.STRICT)
    assert start(device, bulk_out(b"second")).status == Status.FAILED
    assert start(device, bulk_in()).status == Status.FAILED
    assert [each.what for each in device.log.kept] == ["the host asked another endpoint", "the host goes on"]


@pytest.mark.parametrize(("mode", "status"), [(Mode.STRICT, Status.FAILED), (Mode.MODEL, Status.OK)])
def test_an_answer_whose_question_never_comes_is_no_hang(story: Story, mode: Mode, status: Status) -> None:
    clock = VirtualClock()
    device = opened(story, mode, clock)
    reader = start(device, bulk_in())
    clock.advance(PATIENCE - 0.1)
    assert not reader.completions
    clock.advance(0.2)
    assert reader.status == status
    assert len(device.log.kept) == (mode is Mode.STRICT)
    if device.log.kept:
        assert device.log.kept[0].expected == "bulk OUT 0x01, 5 bytes: 66 69 72 73 74"


def test_a_request_that_the_capture_has_not_stalls(story: Story) -> None:
    device = opened(story, Mode.KEYED)
    assert Bench(device).control(Setup(0xC0, 0x77, 0, 0, 1)).wait().status == Status.STALL
    assert "the capture has no such request" in device.log.report()[0]


def test_descriptors_that_are_not_there_are_told_once_and_not_made_up(story: Story) -> None:
    device = opened(story, Mode.MODEL)
    for _ in range(2):
        assert Bench(device).descriptor(15, 5).wait().status == Status.STALL
    assert device.log.report() == ["not in the capture: descriptor bos 0, index 0x0000 (stalled)"]


def test_a_cut_capture_gives_no_answer(story: Story) -> None:
    for exchange in story.exchanges:
        if exchange.answer is not None and exchange.answer.data == b"first":
            exchange.answer.data = b"fi"
    device = opened(story, Mode.KEYED)
    start(device, bulk_out(b"first"))
    assert start(device, bulk_in()).status == Status.FAILED
    assert "the capture holds 2 of 5 bytes of the answer" in device.log.report()[0]
