"""wslusb.device.describe_lsusb: the text is lsusb's, and its importer reads the same bytes out of it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from emulator import device_provider
from emulator.catalogue import kinds
from emulator.importers import import_device
from wslusb.device.describe import Description, describe
from wslusb.device.describe_lsusb import to_lsusb
from wslusb.device.describe_open import describe_from
from wslusb.usb.info import DeviceInfo

REPORT = (0x81, 6, 0x2200, 0)


def described(kind: str) -> Description:
    provider = device_provider(kind)
    try:
        return describe_from(provider, "9-1")
    finally:
        provider.close()


@pytest.mark.parametrize("kind", kinds())
def test_every_kind_of_device_comes_back_byte_for_byte(kind: str, tmp_path: Path) -> None:
    found = described(kind)
    (tmp_path / "text").write_text(to_lsusb(found), encoding="utf-8")
    model = import_device(tmp_path / "text").model
    assert model.gadget.device.pack() == found.device
    assert tuple(each.pack() for each in model.gadget.configurations) == found.configurations
    assert (model.gadget.bos, model.gadget.speed) == (found.bos, found.info.speed)
    if 0 in found.hid_reports:
        assert model.firmware.answers[REPORT] == (found.hid_reports[0],)  # type: ignore[attr-defined]


def test_it_looks_as_lsusb_prints_it() -> None:
    lines = to_lsusb(described("keyboard:serial=KBD7")).splitlines()
    assert lines[0] == "Bus 009 Device 001: ID 1209:0001 wslusb emulator Keyboard"
    for line in (
        "  bcdUSB               2.00",
        "  idVendor           0x1209",
        "  iSerial                 3 KBD7",
        "    MaxPower              100mA",
        "      bInterfaceClass         3",
        "        bEndpointAddress     0x81  EP 1 IN",
        "            Item(Global): Usage Page, data= [ 0x01 ] 1",
    ):
        assert line in lines


@pytest.mark.parametrize("rest", [b"\x09", b"\x01\x02", b"\x05\x24\x00", b"\x20\x05\x81", b"\x02\x05", b"\x08\x0b\x00"])
def test_what_a_broken_device_says_is_printed_too(rest: bytes) -> None:
    found = described("keyboard")
    raw = found.configurations[0] + rest
    text = to_lsusb(dataclasses.replace(found, configurations=(raw,), bos=b"\x05\x0f\x08\x00\x01" + rest))
    assert text.count(rest.hex(" ")) >= 2


def test_a_description_that_is_nothing_is_a_text() -> None:
    info = DeviceInfo(busid="x", vendor=1, product=2, device_descriptor=bytes((18, 1)) + bytes(16), product_name="a\nb")
    assert to_lsusb(describe(info, None)).splitlines()[0] == "Bus 000 Device 000: ID 0001:0002 a?b"
