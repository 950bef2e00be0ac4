"""Traits: what descriptors show."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.catalogue import parse_models
from hil.rig.traits import TRAITS, recognised
from tests.support import samples
from tests.support.rigs import info
from wslusb.system import linux_sysfs
from wslusb.usb.info import DeviceInfo


@pytest.mark.parametrize(
    ("kind", "traits"),
    [
        ("storage", ["storage"]), ("uas", ["storage"]), ("serial", ["serial"]), ("ftdi", ["serial"]),
        ("keyboard", ["hid", "keyboard"]), ("mouse", ["hid", "mouse"]), ("gamepad", ["hid"]), ("fido", ["hid"]),
        ("audio", ["audio", "iso"]), ("midi", ["midi"]), ("webcam", ["video", "iso"]), ("ethernet", ["network"]),
        ("ncm", ["network"]), ("dfu", ["dfu"]), ("printer", ["printer"]), ("ccid", ["smartcard"]),
        ("loopback", ["source-sink", "bulk-loopback", "iso"]),
    ],
)  # fmt: skip
def test_the_emulators_devices_are_recognised(kind: str, traits: list[str]) -> None:
    (model,) = parse_models(kind)
    assert recognised(model.gadget.info("1-1")) == traits


@pytest.mark.parametrize(
    ("device", "traits"),
    [
        (info((0x02, 0x02, 0x01)), ["serial"]),
        (info((0x02, 0x02, 0xFF), (0x0A, 0, 0)), ["network"]),
        (info((0xE0, 0x01, 0x03)), ["network"]),
        (info((0xE0, 0x01, 0x01)), []),
        (info((0x02, 0x0E, 0x00)), ["network"]),
        (info((0xFF, 0, 0), vendor=0x10C4, product=0xEA60), ["serial"]),
        (info((0xFF, 0, 0), vendor=0x1A86, product=0x7523), ["serial"]),
        (info((0xFF, 0, 0), vendor=0x0BDA, product=0x8153), ["network"]),
        (info((0xFF, 0, 0), vendor=0x0525, product=0xA4A0), ["source-sink"]),
        (info((0xFF, 0, 0), vendor=0x0403, product=0x0000), []),
        (info((0x03, 0x00, 0x01)), ["hid"]),
        (info((0xFE, 0x01, 0x02)), ["dfu"]),
        (info((0xFE, 0x02, 0x01)), []),
        (info((0x08, 0x06, 0x50), (0x03, 0x01, 0x01)), ["storage", "hid", "keyboard"]),
    ],
)
def test_real_devices_are_recognised_by_class_or_chip(device: DeviceInfo, traits: list[str]) -> None:
    assert recognised(device) == traits


@pytest.mark.parametrize("raw", [b"", b"\x00", b"\x09\x02\xff\xff\x01\x01\x00\x80\x32\x09\x04", b"\xff" * 40])
def test_descriptors_that_cannot_be_read_show_nothing(raw: bytes) -> None:
    assert recognised(DeviceInfo(busid="1-1", vendor=1, product=2, configurations=(raw,))) == []


@pytest.mark.parametrize(
    ("gadget", "traits"),
    [
        ("acm", ["serial"]),
        ("keyboard", ["hid", "keyboard"]),
        ("midi", ["midi"]),
        ("network", ["network", "printer"]),
        ("zero", ["source-sink", "bulk-loopback"]),
    ],
)
def test_kernel_gadgets_are_recognised_as_sysfs_has_them(gadget: str, traits: list[str], tmp_path: Path) -> None:
    samples.sysfs(gadget, tmp_path / "bus/usb/devices")
    device = linux_sysfs.read_device(tmp_path, "1-1")
    assert device is not None
    assert recognised(device.info) == traits


def test_a_trait_has_a_line_of_help() -> None:
    assert all(trait.help and "\n" not in trait.help for trait in TRAITS.values())
