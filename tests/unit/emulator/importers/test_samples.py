"""Every importer, on what its tool wrote of Linux' own gadgets: the descriptors come out as the kernel had them."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from emulator import rules
from emulator.device import VirtualDevice
from emulator.importers import Imported, import_device
from tests.support import samples, usbpcap
from wslusb.device import sync
from wslusb.errors import LocalError, LocalReason
from wslusb.usb.ids import Speed
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Status

REPORT_LENGTH = 63


def raw(imported: Imported) -> bytes:
    """The descriptors as sysfs would show them."""
    gadget = imported.model.gadget
    return gadget.device.pack() + b"".join(each.pack() for each in gadget.configurations)


def strings(imported: Imported) -> list[str]:
    gadget = imported.model.gadget
    return [gadget.string(index) for index in (1, 2, 3)]


def read(imported: Imported, setup: Setup) -> bytes:
    device = VirtualDevice(imported.model.gadget, imported.model.firmware)
    try:
        result = sync.control(device, setup)
        assert result.status == Status.OK or result.status == Status.SHORT
        return bytes(result.data)
    finally:
        device.close()


@pytest.mark.parametrize("gadget", samples.GADGETS)
@pytest.mark.parametrize("file", ["lsusb.txt", "umockdev.txt"])
def test_the_texts_of_other_tools_hold_all_descriptors(gadget: str, file: str) -> None:
    imported = import_device(samples.SAMPLES / gadget / file)
    assert raw(imported) == samples.descriptors(gadget)
    assert strings(imported)[0] == "wslusb"
    assert imported.model.gadget.string(3) in ("ACM1", "COMPOSITE1", "KBD1", "MIDI1", "NETWORK1", "ZERO")


@pytest.mark.parametrize("gadget", samples.GADGETS)
def test_a_directory_of_sysfs(gadget: str, tmp_path: Path) -> None:
    imported = import_device(samples.sysfs(gadget, tmp_path))
    assert (raw(imported), imported.name) == (samples.descriptors(gadget), "1-1")
    assert imported.model.gadget.speed is Speed.HIGH
    assert strings(imported)[0] == "wslusb"


def test_a_blob_of_descriptors_has_no_strings_and_no_speed() -> None:
    imported = import_device(samples.SAMPLES / "acm/sysfs/descriptors")
    assert raw(imported) == samples.descriptors("acm")
    assert imported.missing[:2] == (
        "speed: not in the source; high speed, for full speed does not allow packets that large",
        "string 1 (iManufacturer): not in the source; the request for it is stalled",
    )


def test_sysfs_has_the_report_descriptor_of_a_keyboard_that_a_driver_has(tmp_path: Path) -> None:
    imported = import_device(samples.sysfs("keyboard", tmp_path))
    assert imported.missing == ("string 0 (languages): not in the source; English",)
    assert len(read(imported, Setup(0x81, 6, 0x2200, 0, 255))) == REPORT_LENGTH


def test_lsusb_has_it_item_by_item_and_they_are_put_together(tmp_path: Path) -> None:
    from_sysfs = import_device(samples.sysfs("keyboard", tmp_path))
    from_lsusb = import_device(samples.SAMPLES / "keyboard/lsusb.txt")
    setup = Setup(0x81, 6, 0x2200, 0, 255)
    assert read(from_lsusb, setup) == read(from_sysfs, setup)


def test_what_umockdev_does_not_record_is_reported() -> None:
    missing = import_device(samples.SAMPLES / "keyboard/umockdev.txt").missing
    assert missing[-1].startswith("HID report descriptor of interface 0: not in the source")
    assert "string 4 (iInterface): not in the source; the request for it is stalled" in missing


@pytest.mark.parametrize("gadget", samples.GADGETS)
def test_a_usbmon_capture(gadget: str) -> None:
    imported = import_device(samples.CAPTURE, samples.ADDRESSES[gadget])
    assert raw(imported) == samples.descriptors(gadget)
    assert strings(imported)[0] == "wslusb"


@pytest.mark.parametrize("write", [samples.write_pcap, samples.write_pcapng])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("link_type", [189, 220, 249])
def test_every_kind_of_capture_holds_the_same(write: Any, order: str, link_type: int, tmp_path: Path) -> None:
    converters: dict[int, Callable[[bytes], list[bytes]]] = {
        220: lambda data: [data],
        189: lambda data: [data[:48] + data[64:]],
        249: usbpcap.converted,
    }
    convert = converters[link_type]
    data = [new for each in samples.packets() for new in convert(each.data)]
    path = write(tmp_path / "capture", link_type, data, order)
    imported = import_device(path, samples.ADDRESSES["composite"])
    assert raw(imported) == samples.descriptors("composite")


def test_a_capture_of_a_machine_with_the_other_byte_order(tmp_path: Path) -> None:
    layout = "QBBBBHbbqiiII"
    data = [
        struct.pack(">" + layout, *struct.unpack_from("<" + layout, each.data)) + each.data[40:]
        for each in samples.packets()
    ]
    path = samples.write_pcap(tmp_path / "big.pcap", 220, data, ">")
    assert raw(import_device(path, samples.ADDRESSES["midi"])) == samples.descriptors("midi")


def test_the_answers_of_a_capture_are_given_again() -> None:
    keyboard = import_device(samples.CAPTURE, samples.ADDRESSES["keyboard"])
    assert len(read(keyboard, Setup(0x81, 6, 0x2200, 0, 255))) == REPORT_LENGTH
    assert not any("HID" in line for line in keyboard.missing)
    modem = import_device(samples.CAPTURE, samples.ADDRESSES["acm"])
    device = VirtualDevice(modem.model.gadget, modem.model.firmware)
    assert sync.control(device, Setup(0x21, 0x20, 0, 0, 7), bytes(7)).status == Status.OK
    assert sync.control(device, Setup(0x21, 0x55, 0, 0, 0)).status == Status.STALL
    device.close()


def test_the_text_of_usbmon_has_32_bytes_of_each_transfer() -> None:
    zero = import_device(samples.SAMPLES / "zero/usbmon.txt", samples.ADDRESSES["zero"])
    assert raw(zero)[:50] == samples.descriptors("zero")[:50]
    composite = import_device(samples.SAMPLES / "composite/usbmon.txt", samples.ADDRESSES["composite"])
    assert "configuration 1: 32 of wTotalLength 209 bytes are in the source; it ends there" in composite.missing


def test_several_devices_are_listed() -> None:
    with pytest.raises(LocalError) as caught:
        import_device(samples.CAPTURE)
    assert caught.value.reason is LocalReason.AMBIGUOUS
    assert "1.3 (1d6b:0105 wslusb gadget)" in str(caught.value)
    with pytest.raises(LocalError, match=r"not one device 7\.7") as caught:
        import_device(samples.CAPTURE, "7.7")
    assert caught.value.reason is LocalReason.NOT_FOUND


def test_a_gadget_scheme_but_for_what_the_kernel_chooses() -> None:
    imported = import_device(samples.SAMPLES / "composite.scheme")
    known, truth = raw(imported), samples.descriptors("composite")
    assert len(known) == len(truth)
    assert not [finding for finding in rules.findings(imported.model.gadget) if finding.strict]
    different = {index for index, (one, other) in enumerate(zip(known, truth, strict=True)) if one != other}
    assert different <= chosen_by_the_kernel(truth)
    assert imported.missing == (
        "speed: not in the source; high speed, as the controller would offer",
        "endpoint addresses and string indices: the kernel chooses them as the controller allows; numbered in order",
    )


def chosen_by_the_kernel(data: bytes) -> set[int]:
    """Where bEndpointAddress and string indices are."""
    places, offset = set(), 0
    where = {5: 2, 4: 8, 11: 7}
    while offset < len(data):
        kind = data[offset + 1]
        places.add(offset + where.get(kind, 0))
        if data[offset + 1 : offset + 3] == b"\x24\x0f":
            places.add(offset + 3)
        offset += data[offset]
    return places


def test_a_source_is_a_device_of_the_catalogue() -> None:
    from emulator.catalogue import parse_models

    models = parse_models(f"{samples.CAPTURE}:device=1.4,{samples.SAMPLES}/acm/lsusb.txt")
    assert [model.gadget.device.product for model in models] == [0xA4A0, 0x0104]
