"""wslusb.labgrid.match: which device a resource means."""

from __future__ import annotations

from typing import Any

import pytest
from labgrid.exceptions import InvalidConfigError

from wslusb.control.views import device_json
from wslusb.labgrid import WslusbDevice
from wslusb.labgrid.match import check, fits, words
from wslusb.usb.info import DeviceInfo

BOARD = device_json(DeviceInfo(busid="2-4", vendor=0x0403, product=0x6001, serial="A5XK3RJT", port_path="p1"))


@pytest.mark.parametrize(
    "match",
    [
        {"busid": "2-4"},
        {"vid": 0x0403},
        {"vid": 0x0403, "pid": 0x6001},
        {"serial": "A5XK3RJT", "port": "p1"},
    ],
)
def test_all_that_is_said_fits(match: dict[str, Any]) -> None:
    check(match)
    assert fits(match, BOARD)


@pytest.mark.parametrize(
    "match",
    [{"busid": "2-40"}, {"vid": 0x0403, "pid": 0x6002}, {"serial": "a5xk3rjt"}, {"serial": "A5XK3RJT", "port": "p2"}],
)
def test_one_thing_does_not_fit(match: dict[str, Any]) -> None:
    check(match)
    assert not fits(match, BOARD)


@pytest.mark.parametrize(
    ("match", "says"),
    [
        ({}, "match is empty: give one or more of busid, vid"),
        ({"ID_SERIAL_SHORT": "x"}, "no key 'ID_SERIAL_SHORT': it takes busid, vid"),
        ({"serial": 12345}, "serial is 12345, and has to be a str, in quotes"),
        ({"serial": ""}, "serial is ''"),
        ({"vid": "0403"}, "vid is '0403', and has to be a int, such as 0x0403"),
        ({"vid": True}, "vid is True"),
        ({"pid": 0x10000}, "pid is 0x10000, and has to be 0 to 0xffff"),
    ],
)
def test_what_can_fit_nothing_is_said_at_the_start(match: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidConfigError, match=says):
        WslusbDevice(None, None, match=match)


def test_a_log_has_it_on_one_line() -> None:
    assert words({"vid": 0x403, "serial": "A"}) == "vid 0x0403, serial A"
