from __future__ import annotations

import re
from pathlib import Path

import pytest

from hil.errors import RigError
from hil.rig.reading import reads_rig
from hil.vm.hardware import Disk, SerialPort, UsbHardware, option_text
from hil.vm.sources import parse_hardware


def words(piece: UsbHardware) -> list[str]:
    return [option_text(device) for device in piece.devices()]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("usb-tablet", ["usb-tablet,id=x,bus=xhci.0"]),
        ("usb-kbd,usb_version=1,serial=A", ["usb-kbd,id=x,bus=xhci.0,usb_version=1,serial=A"]),
        ("usb-mouse,bus=uhci.0,port=2", ["usb-mouse,id=x,bus=uhci.0,port=2"]),
        ("usb-mtp,rootdir=/a,,b", ["usb-mtp,id=x,bus=xhci.0,rootdir=/a,,b"]),
        ("usb-storage,size=1M,removable=on", ["usb-storage,drive=x-file,id=x,bus=xhci.0,removable=on"]),
        ("usb-storage,drive=own", ["usb-storage,drive=own,id=x,bus=xhci.0"]),
        ("usb-serial,chardev=own", ["usb-serial,id=x,bus=xhci.0,chardev=own"]),
        ("usb-audio,multi=on", ["usb-audio,audiodev=x-out,id=x,bus=xhci.0,multi=on"]),
        ("usb-uas,size=1M,serial=S", ["usb-uas,id=x,bus=xhci.0,serial=S", "scsi-hd,drive=x-0-file,id=x-0,bus=x.0"]),
        (
            "usb-bot + scsi-hd,lun=0 + scsi-cd,size=4K,lun=1",
            [
                "usb-bot,id=x,bus=xhci.0", "scsi-hd,drive=x-0-file,id=x-0,bus=x.0,lun=0",
                "scsi-cd,drive=x-1-file,id=x-1,bus=x.0,lun=1",
            ],
        ),
    ],
)  # fmt: skip
def test_a_source_is_what_stands_after_device(source: str, expected: list[str]) -> None:
    assert words(parse_hardware("x", source)) == expected


def test_a_disk_is_as_large_as_its_source_says(tmp_path: Path) -> None:
    piece = parse_hardware("x", "usb-uas + scsi-hd,size=4K,seed=3 + scsi-hd,size=8K")
    assert len([word for word in piece.backends(tmp_path) if word == "-blockdev"]) == 2
    assert [each.stat().st_size for each in sorted(tmp_path.iterdir())] == [4096, 8192]
    first = piece.behind[0]
    assert isinstance(first, Disk)
    assert len(first.content(1024, 512)) == 512


def test_a_large_disk_takes_little_room(tmp_path: Path) -> None:
    parse_hardware("x", "usb-storage,size=3T").backends(tmp_path)
    made = (tmp_path / "x.img").stat()
    assert made.st_size == 3 << 40
    assert made.st_blocks * 512 < 1 << 30


def test_an_image_is_seen_from_the_rig_file(tmp_path: Path) -> None:
    (tmp_path / "own.img").write_bytes(b"own" * 512)
    piece = parse_hardware("x", "usb-storage,image=own.img", tmp_path)
    assert piece.backends(Path("elsewhere"))[1].endswith(f"filename={tmp_path}/own.img")
    assert isinstance(piece, Disk)
    assert piece.content(0, 3) == b"own"


def test_the_far_end_of_a_line_sends_back_what_comes() -> None:
    piece = parse_hardware("x", "usb-serial,loop=on")
    assert isinstance(piece, SerialPort)
    (far,) = piece.inherited()
    far.sendall(b"echo")
    assert far.recv(16) == b"echo"
    piece.close()


@pytest.mark.parametrize(
    ("source", "what"),
    [("usb-storage,size=big", "x: size in its source: 'big'"), ("usb-serial,loop=maybe", "neither on nor off")],
)
def test_a_word_that_cannot_be_read_is_named(source: str, what: str) -> None:
    with pytest.raises(RigError, match=what):
        parse_hardware("x", source)


def test_what_the_documentation_plugs_in_can_be_plugged_in() -> None:
    page = (Path(__file__).parents[3] / "docs/hil-rig.md").read_text("utf-8")
    (example,) = [text for text in re.findall(r"```toml\n(.*?)```", page, re.DOTALL) if 'kind = "qemu"' in text]
    rig = reads_rig(example)
    drivers = [parse_hardware(entry.name, entry.source).driver for entry in rig.devices]
    assert drivers == ["usb-mouse", "usb-storage", "usb-uas", "usb-net"]
