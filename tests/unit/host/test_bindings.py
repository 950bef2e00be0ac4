"""wslusb.host.bindings: remembered, damaged, and changed by others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wslusb.errors import LocalError, LocalReason
from wslusb.host.bindings import SCHEMA, Bindings
from wslusb.usb.info import DeviceInfo

STICK = DeviceInfo(busid="1-1", vendor=1, product=2, serial="A", port_path="p1")
STICK_ELSEWHERE = DeviceInfo(busid="2-4", vendor=1, product=2, serial="A", port_path="p9")
BOARD = DeviceInfo(busid="1-2", vendor=3, product=4, port_path="p2")
BOARD_ELSEWHERE = DeviceInfo(busid="1-3", vendor=3, product=4, port_path="p3")


@pytest.fixture
def bindings(tmp_path: Path) -> Bindings:
    return Bindings(tmp_path / "state/bindings.json")


def test_bind_and_unbind(bindings: Bindings) -> None:
    assert (bindings.all(), bindings.is_bound(STICK)) == ([], False)
    assert (bindings.bind(STICK), bindings.bind(STICK)) == (True, False)
    assert bindings.is_bound(STICK)
    assert Bindings(bindings.path).is_bound(STICK), "a service that starts anew knows it"
    assert (bindings.unbind(STICK.identity), bindings.unbind(STICK.identity)) == (True, False)
    assert not bindings.is_bound(STICK)


def test_a_device_is_what_it_is_and_not_where(bindings: Bindings) -> None:
    bindings.bind(STICK)
    bindings.bind(BOARD)
    assert bindings.is_bound(STICK_ELSEWHERE)
    assert not bindings.is_bound(BOARD_ELSEWHERE), "it has no serial: another board like it, perhaps"


def test_what_is_shared_and_not_plugged_in(bindings: Bindings) -> None:
    bindings.bind(STICK)
    bindings.bind(BOARD)
    assert [info.identity for info in bindings.absent([STICK_ELSEWHERE])] == [BOARD.identity]
    assert bindings.absent([STICK, BOARD]) == []
    assert bindings.absent([])[0].busid == ""


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", json.dumps({"schema": SCHEMA}), json.dumps({"schema": "other", "bindings": []}),
     json.dumps({"schema": SCHEMA, "bindings": [{"vendor": 1}]}),
     json.dumps({"schema": SCHEMA, "bindings": 5}), "null", "\ufeff{", "[" * 200_000,
     json.dumps({"schema": SCHEMA, "bindings": [{"vendor": "1", "product": 2, "serial": "", "port_path": ""}]}),
     json.dumps({"schema": SCHEMA, "bindings": [{"vendor": -1, "product": 2, "serial": "", "port_path": ""}]}),
     json.dumps({"schema": SCHEMA, "bindings": [{"vendor": 1, "product": 2, "serial": None, "port_path": ""}]})],
)  # fmt: skip
def test_a_damaged_file_shares_nothing_and_is_not_overwritten(bindings: Bindings, text: str) -> None:
    bindings.path.parent.mkdir()
    bindings.path.write_text(text)
    for act in (bindings.all, lambda: bindings.is_bound(STICK), lambda: bindings.bind(STICK)):
        with pytest.raises(LocalError) as caught:
            act()
        assert caught.value.reason is LocalReason.BAD_STATE
    assert bindings.path.read_text() == text


def test_a_file_that_is_not_text(bindings: Bindings) -> None:
    bindings.path.parent.mkdir()
    bindings.path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LocalError) as caught:
        bindings.all()
    assert caught.value.reason is LocalReason.BAD_STATE


def test_nothing_is_left_beside_it(bindings: Bindings) -> None:
    bindings.bind(STICK)
    bindings.bind(BOARD)
    assert list(bindings.path.parent.iterdir()) == [bindings.path]


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LocalError):
        Bindings(tmp_path / "file/bindings.json").bind(STICK)
