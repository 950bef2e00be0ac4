"""emulator.devices.gamepad: hands in reports."""

from __future__ import annotations

import struct

import pytest

from emulator.catalogue import parse_models
from emulator.device import VirtualDevice
from emulator.devices.gamepad import Hands
from tests.support.reports import Listener
from wslusb.device import sync
from wslusb.device.clock import VirtualClock
from wslusb.errors import LocalError
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Status

AT_REST = b"\x00\x80\0\0\0\0"


def play(moves: str) -> list[bytes]:
    (model,) = parse_models(f"gamepad:wait=0,play={moves}")
    clock = VirtualClock()
    return Listener(VirtualDevice(model.gadget, model.firmware, clock=clock)).over(clock, 1)


@pytest.mark.parametrize(
    ("moves", "reports"),
    [
        ("1", ["018000000000", AT_REST.hex()]),
        ("12", ["008800000000", AT_REST.hex()]),
        ("up+left", ["000000000000", AT_REST.hex(), "006000000000", AT_REST.hex()]),
        ("", []),
    ],
)
def test_buttons_and_hat(moves: str, reports: list[str]) -> None:
    assert [report.hex() for report in play(moves)] == reports


@pytest.mark.parametrize(("moves", "offset"), [("circle", 2), ("rightcircle", 4)])
def test_sticks_go_round_and_come_back(moves: str, offset: int) -> None:
    reports = play(moves)
    places = [struct.unpack_from("bb", report, offset) for report in reports]
    assert places[0] == places[-2] == (0, -127), "at the top"
    assert {(127, 0), (0, 127), (-127, 0)} <= set(places)
    assert reports[-1] == AT_REST
    assert all(report[6 - offset : 8 - offset] == b"\0\0" for report in reports), "the other stick rests"


def test_a_report_tells_everything_at_once() -> None:
    assert Hands(0xFFF, 7, (-127, 127), (1, -1)).pack() == b"\xff\x7f\x81\x7f\x01\xff"


def test_what_only_keyboards_and_mice_answer_is_stalled() -> None:
    (model,) = parse_models("gamepad")
    device = VirtualDevice(model.gadget, model.firmware, clock=VirtualClock())
    assert sync.control(device, Setup(0xA1, 1, 0x100, 0, 6)).data == AT_REST
    for setup in (Setup(0xA1, 2, 0, 0, 1), Setup(0xA1, 3, 0, 0, 1), Setup(0x21, 11, 0, 0, 0)):
        assert sync.control(device, setup).status == Status.STALL


def test_what_cannot_be_made_is_a_local_error() -> None:
    with pytest.raises(LocalError):
        play("13")
