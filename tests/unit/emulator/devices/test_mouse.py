"""emulator.devices.mouse: what a hand moves adds up."""

from __future__ import annotations

import pytest

from emulator.catalogue import parse_models
from emulator.device import VirtualDevice
from emulator.devices.mouse import PATHS, Motion, path_named
from tests.support.reports import Listener
from wslusb.device import sync
from wslusb.device.clock import VirtualClock
from wslusb.errors import LocalError
from wslusb.usb.setup import Setup


def mouse(options: str) -> tuple[VirtualDevice, VirtualClock]:
    (model,) = parse_models(f"mouse:wait=0,{options}")
    clock = VirtualClock()
    return VirtualDevice(model.gadget, model.firmware, clock=clock), clock


def signed(byte: int) -> int:
    return byte - 256 if byte > 127 else byte


@pytest.mark.parametrize(
    ("name", "moved"),
    [("square", (0, 0)), ("circle", (0, 0)), ("right", (105, 0)), ("left", (-105, 0)), ("down", (0, 105)),
     ("up", (0, -105)), ("drag", (105, 0))],
)  # fmt: skip
def test_paths_end_where_they_should(name: str, moved: tuple[int, int]) -> None:
    device, clock = mouse(f"path={name},size=105")
    reports = Listener(device, length=4).over(clock, 1)
    assert len(reports) > 5
    assert (sum(signed(each[1]) for each in reports), sum(signed(each[2]) for each in reports)) == moved
    assert reports[-1][0] == 0, "all buttons are up in the end"


def test_a_square_has_corners_at_its_size() -> None:
    x, y, corners = 0, 0, set()
    for motion in path_named("square", 105):
        x, y = x + motion.x, y + motion.y
        corners.add((x, y))
    assert {(105, 0), (105, 105), (0, 105), (0, 0)} <= corners


def test_buttons_and_wheel() -> None:
    device, clock = mouse("path=click+rightclick+scroll+scrollup")
    reports = Listener(device, length=4).over(clock, 1)
    assert [each[0] for each in reports] == [1, 0, 2, 0, 0, 0, 0, 0, 0, 0]
    assert [signed(each[3]) for each in reports] == [0, 0, 0, 0, -1, -1, -1, 1, 1, 1]


def test_boot_protocol_has_no_wheel() -> None:
    device, clock = mouse("path=right,size=10")
    sync.control(device, Setup(0x21, 11, 0, 0, 0))
    assert Listener(device, length=4).over(clock, 1) == [b"\x00\x0a\x00"]


def test_get_report_and_idle_reports_do_not_move_again() -> None:
    device, clock = mouse("path=drag,size=10,pace=100000")
    listener = Listener(device, length=4)
    assert listener.over(clock, 0) == [b"\x01\x0a\x00\x00"]
    assert sync.control(device, Setup(0xA1, 1, 0x100, 0, 4)).data == b"\x01\x00\x00\x00"
    sync.control(device, Setup(0x21, 10, 1 << 8, 0, 0))
    assert listener.over(clock, 0.005) == [b"\x01\x00\x00\x00"]


def test_every_motion_fits_a_report() -> None:
    for make in PATHS.values():
        for motion in make(1000):
            assert all(-127 <= value <= 127 for value in (motion.x, motion.y, motion.wheel)), motion


def test_a_motion_is_twos_complement() -> None:
    assert Motion(-1, -127, 127, 5).pack() == b"\x05\xff\x81\x7f"


@pytest.mark.parametrize("options", ["path=triangle", "size=0", "size=1001"])
def test_what_cannot_be_made_is_a_local_error(options: str) -> None:
    with pytest.raises(LocalError):
        mouse(options)
