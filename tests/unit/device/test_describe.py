"""wslusb.device.describe: what is asked, what is not, and what is said of it. tests/unit/emulator reads it back."""

from __future__ import annotations

import pytest

from wslusb.device import describe_open
from wslusb.device.describe import describe
from wslusb.device.describe_text import to_toml
from wslusb.errors import DeviceError, LocalError, LocalReason
from wslusb.system.api import HostDevice
from wslusb.usb.ids import Speed
from wslusb.usb.info import DeviceInfo
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Status

DEVICE = bytes.fromhex("120100020000004009120100000101020301")
HID = bytes.fromhex("09022200010100a032 090400000103010100 092111010001223f00 0705810308000a")
INFO = DeviceInfo(
    busid="1-1", vendor=0x1209, product=1, speed=Speed.FULL, manufacturer="A\x1b[2J", product_name="B", serial="",
    active_configuration=1, device_descriptor=DEVICE, configurations=(HID,),
)  # fmt: skip


class Asked:
    """Answers from a table, stalls the rest, and remembers what was asked."""

    def __init__(self, answers: dict[tuple[int, int, int], bytes], status: Status = Status.STALL) -> None:
        self.answers = answers
        self.status = status
        self.setups: list[Setup] = []

    def __call__(self, setup: Setup) -> bytes:
        self.setups.append(setup)
        found = self.answers.get((setup.request_type, setup.value, setup.index))
        if found is None:
            raise DeviceError(self.status, f"said {self.status.name}")
        return found[: setup.length]


def test_only_get_descriptor_is_asked() -> None:
    asked = Asked({(0x80, 0x0300, 0): b"\x04\x03\x09\x04", (0x80, 0x0301, 0x0409): b"\x04\x03a\0"})
    describe(INFO, asked)
    assert {(setup.request_type, setup.request) for setup in asked.setups} == {(0x80, 6), (0x81, 6)}


def test_what_the_device_stalls_is_listed_and_what_nobody_refers_to_is_not() -> None:
    found = describe(INFO, Asked({(0x80, 0x0300, 0): b"\x04\x03\x09\x04", (0x80, 0x0301, 0x0409): b"\x04\x03a\0"}))
    assert found.unread == [
        "string 2 of language 0x0409: the device stalls the request",
        "string 3 of language 0x0409: the device stalls the request",
        "the HID report descriptor of interface 0: the device stalls the request",
    ]
    assert found.qualifier == b""


def test_another_failure_is_listed_with_its_reason() -> None:
    found = describe(INFO, Asked({}, Status.TIMEOUT))
    assert found.unread == [
        "the list of languages: said TIMEOUT",
        "the device qualifier",
        "the HID report descriptor of interface 0: said TIMEOUT",
    ]
    assert (found.qualifier, found.other_speeds, found.languages) == (None, None, None)


def test_a_device_that_goes_away_is_an_error() -> None:
    with pytest.raises(DeviceError, match="said GONE"):
        describe(INFO, Asked({}, Status.GONE))


def test_strings_are_looked_for_until_the_first_gap_after_the_last_that_is_used() -> None:
    strings = {(0x80, 0x0300 | index, 0x0409): b"\x04\x03a\0" for index in (1, 2, 3, 4, 5, 7)}
    found = describe(INFO, Asked({(0x80, 0x0300, 0): b"\x04\x03\x09\x04", **strings}))
    assert sorted(index for _, index in found.strings) == [1, 2, 3, 4, 5]


def test_a_device_that_answers_for_any_index_does_not_fill_the_file() -> None:
    strings = {(0x80, 0x0300 | index, 0x0409): b"\x04\x03a\0" for index in range(1, 256)}
    found = describe(INFO, Asked({(0x80, 0x0300, 0): b"\x04\x03\x09\x04", **strings}))
    assert len(found.strings) == 3 + 32


def test_what_the_system_has_of_hid_is_not_asked_for() -> None:
    asked = Asked({})
    found = describe(INFO, asked, {0: b"\x05\x01"})
    assert found.hid_reports == {0: b"\x05\x01"}
    assert 0x81 not in {setup.request_type for setup in asked.setups}


def test_interfaces_of_a_configuration_that_is_not_active_are_not_asked() -> None:
    other = bytes.fromhex("09020900000200a032")
    info = DeviceInfo(
        busid="1-1", vendor=1, product=2, active_configuration=2, device_descriptor=DEVICE, configurations=(HID, other)
    )
    asked = Asked({})
    describe(info, asked)
    assert 0x81 not in {setup.request_type for setup in asked.setups}


def test_without_permission_the_file_has_what_everybody_may_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise DeviceError(Status.ACCESS_DENIED, "1-1: cannot open: access denied")

    monkeypatch.setattr(describe_open, "Native", refuse)
    monkeypatch.setattr(describe_open, "hid_reports", lambda _busid: {})
    text = to_toml(describe_open.describe_beside_its_drivers(HostDevice(info=INFO, bus=1, address=2)))
    assert text.splitlines()[:8] == [
        "# 1209:0001 A?[2J B, written by 'wslusb describe'.",
        "#",
        "# Not read:",
        "# - it could not be opened: 1-1: cannot open: access denied",
        "# - the device itself was not asked: strings other than manufacturer, product and serial number",
        "# - the HID report descriptor of interface 0",
        "",
        r'summary = "A\u001b[2J B"',
    ]
    assert '2 = "B" # as the system shows it' in text.splitlines()
    assert "qualifier" not in text


def test_a_device_without_a_device_descriptor_cannot_be_described() -> None:
    with pytest.raises(LocalError) as caught:
        describe(DeviceInfo(busid="1-1", vendor=1, product=2), None)
    assert caught.value.reason is LocalReason.BAD_DESCRIPTOR
