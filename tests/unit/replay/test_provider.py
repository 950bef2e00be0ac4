"""A capture as a source of devices: its port, and what is made up where it holds no configuration."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.support.recording import recorded
from tests.support.usb import bulk_in, bulk_out
from wslusb.device import sync
from wslusb.device.registry import load_provider
from wslusb.errors import LocalError
from wslusb.replay import guess, provider
from wslusb.replay.device import Mode
from wslusb.replay.facts import Facts
from wslusb.replay.host import ReplayHost
from wslusb.replay.provider import Options, ReplayProvider
from wslusb.replay.reading import read
from wslusb.replay.story import Story
from wslusb.usb.descriptors import Configuration
from wslusb.usb.ids import ClassCode, DescriptorType, TransferType
from wslusb.usb.setup import Request, Setup
from wslusb.usb.urb import Status


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    device = recorded(tmp_path / "c", "emulator:storage")
    device.select_configuration(1)
    wrapper = struct.pack("<4sIIBBB16s", b"USBC", 1, 36, 0x80, 0, 6, bytes((0x12, 0, 0, 0, 36, 0)))
    for urb in (bulk_out(wrapper, endpoint=0x02), bulk_in(36), bulk_in(13)):
        assert sync.transfer(device, urb, 5).status == Status.OK
    device.close()
    return tmp_path / "c"


@pytest.fixture
def bare(capture: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A capture that began when the device was configured already."""
    story = read(capture)
    kept = [each for each in story.exchanges if not each.setup or each.setup.value >> 8 != DescriptorType.CONFIGURATION]
    monkeypatch.setattr(provider, "read", lambda *_: Story(story.bus, story.device, kept))
    return capture


def test_each_replay_of_one_service_has_a_port_of_its_own(capture: Path) -> None:
    several = [load_provider(f"replay:{capture}{option}") for option in ("", "", ",port=8-2.1")]
    assert [device.busid for each in several for device in each.devices()] == ["8-1", "8-2", "8-2.1"]
    several[0].close()
    again = load_provider(f"replay:{capture}")
    assert [device.busid for device in again.devices()] == ["8-1"]
    for each in (*several, again):
        each.close()


def test_without_a_configuration_there_is_no_device_and_the_way_out_is_named(bare: Path) -> None:
    with pytest.raises(LocalError) as error:
        ReplayProvider(Options(bare))
    assert "--guess" in error.value.hint


def test_a_configuration_is_made_up_when_that_is_asked_for_and_said(bare: Path) -> None:
    made = ReplayProvider(Options.parse(f"{bare},guess=yes"))
    (info,) = made.devices()
    configuration = Configuration.unpack(info.configurations[0])
    (interface,) = configuration.interfaces
    assert (interface.number, interface.interface_class) == (0, ClassCode.VENDOR)
    assert [(each.address, each.transfer, each.max_packet_size) for each in interface.endpoints] == [
        (0x02, TransferType.BULK, 512), (0x81, TransferType.BULK, 512),
    ]  # fmt: skip
    assert any("guessed" in line for line in made.log.report())
    device = made.open(info)
    assert not ReplayHost(made.story).play(device).report()
    device.close()


def test_settings_that_were_chosen_are_there(capture: Path) -> None:
    story = read(capture)
    for each in story.exchanges:
        if (setup := each.setup) is not None and setup.request == Request.SET_CONFIGURATION:
            each.request.setup = Setup(0x01, Request.SET_INTERFACE, 1, 1, 0).pack()
    made = guess.complete(Facts.of(story), story)
    assert made is not None
    found = [(each.number, each.alternate, len(each.endpoints)) for each in made[0].parsed()[0].interfaces]
    assert found == [(0, 0, 2), (1, 0, 0), (1, 1, 0)]


def test_a_guess_is_yes_or_no(bare: Path) -> None:
    with pytest.raises(LocalError, match="guess=perhaps"):
        Options.parse(f"{bare},guess=perhaps")


@pytest.mark.parametrize(("mode", "warned"), [("model", True), ("keyed", False)])
def test_a_fault_that_the_model_may_not_repeat_is_named(
    capture: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, mode: str, warned: bool
) -> None:
    story = read(capture)
    (data,) = [each for each in story.exchanges if each.answer is not None and len(each.answer.data) == 36]
    assert data.answer is not None
    monkeypatch.setattr(provider, "read", lambda *_: story)
    ReplayProvider(Options(capture, mode=Mode(mode))).close()
    assert not caplog.messages
    data.answer.status = -32
    ReplayProvider(Options(capture, mode=Mode(mode))).close()
    assert [f"packet {data.answer_number}: STALL" in text for text in caplog.messages] == [True] * warned
