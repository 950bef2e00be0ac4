"""Matching: exactly one device, or an error that says what is there."""

from __future__ import annotations

import pytest

from hil.errors import AmbiguousDeviceError, DeviceAbsentError
from hil.rig.matching import also, find, key
from hil.rig.model import DeviceEntry, Match
from wslusb.usb.info import DeviceInfo

STICK = DeviceInfo(
    busid="1-2", vendor=0x0951, product=0x1666, serial="60A4", port_path="pci-usbv2-2", product_name="Stick"
)
TWIN = DeviceInfo(busid="1-3", vendor=0x0951, product=0x1666, serial="60A5", port_path="pci-usbv2-3")
BOARD = DeviceInfo(busid="1-10", vendor=0x1A86, product=0x7523, port_path="pci-usbv2-10")
ALL = [STICK, TWIN, BOARD]


def entry(match: Match) -> DeviceEntry:
    return DeviceEntry(name="it", match=match)


@pytest.mark.parametrize(
    ("match", "found"),
    [
        (Match(0x0951, 0x1666, "60A4"), STICK),
        (Match(serial="60A5"), TWIN),
        (Match(vid=0x1A86), BOARD),
        (Match(port="1-2"), STICK),
        (Match(port="pci-usbv2-10"), BOARD),
        (Match(0x0951, 0x1666, port="1-3"), TWIN),
    ],
)
def test_what_fits_everything_that_is_given_is_found(match: Match, found: DeviceInfo) -> None:
    assert find(entry(match), ALL) is found


@pytest.mark.parametrize("match", [Match(serial="60a4"), Match(0x0951, 0x1666, port="1-10"), Match(port="1-1")])
def test_what_fits_in_part_or_nearly_is_absent(match: Match) -> None:
    with pytest.raises(DeviceAbsentError, match="it: no device has "):
        find(entry(match), ALL)


def test_what_devices_call_themselves_is_one_line_and_commands_no_terminal() -> None:
    liar = DeviceInfo(busid="1-4", vendor=1, product=2, serial="A\nB", product_name="Stick\n\x1b[2J")
    with pytest.raises(DeviceAbsentError) as caught:
        find(entry(Match(serial="A")), [liar])
    assert caught.value.hint == "plugged in: 1-4 (0001:0002 Stick??[2J, 'A\\nB')"


def test_an_absent_device_is_named_with_its_kind_that_is_there() -> None:
    with pytest.raises(DeviceAbsentError) as caught:
        find(entry(Match(0x0951, 0x1666, "60A6")), ALL)
    assert str(caught.value) == "it: no device has vid 0x0951, pid 0x1666, serial '60A6'"
    assert caught.value.hint.startswith("of its kind there is 1-2 (0951:1666 Stick, '60A4'); 1-3 (0951:1666 ")
    with pytest.raises(DeviceAbsentError) as caught:
        find(entry(Match(7, 7)), [])
    assert caught.value.hint == "plugged in: nothing"


def test_what_fits_several_is_an_error_that_lists_them() -> None:
    with pytest.raises(AmbiguousDeviceError, match=r"vid 0x0951 fits 2: 1-2 .*'60A4'.*; 1-3 .*'60A5'"):
        find(entry(Match(vid=0x0951)), ALL)


def test_a_vid_of_zero_is_a_vid() -> None:
    with pytest.raises(DeviceAbsentError):
        find(entry(Match(vid=0)), ALL)


def test_the_key_of_a_device_is_its_serial_or_its_port() -> None:
    assert [key(each) for each in ALL] == ["0951:1666:60A4", "0951:1666:60A5", "1a86:7523:pci-usbv2-10"]
    assert key(DeviceInfo(busid="1-1", vendor=1, product=2)) == "0001:0002:1-1"


def test_another_entry_that_means_the_same_device_is_found() -> None:
    stick = DeviceEntry(name="stick", match=Match(0x0951, 0x1666, "60A4"))
    by_port = DeviceEntry(name="port", match=Match(port="1-2"))
    of_its_kind = DeviceEntry(name="kind", match=Match(0x0951, 0x1666))
    assert also(stick, [stick, of_its_kind, by_port], ALL) == "port"
    assert also(stick, [stick, of_its_kind], ALL) is None, "which of two it means, nobody knows"
    assert also(stick, [stick, of_its_kind], [STICK, BOARD]) == "kind"
