"""emulator.devices.uas: what the disk says of itself at either speed, and its options."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.catalogue import parse_models
from emulator.device import VirtualDevice
from emulator.devices.uas import BULK_ONLY, COMMAND, DATA_IN, DATA_OUT, STATUS, UAS, uas_gadget
from wslusb.errors import LocalError
from wslusb.usb.bos import split_bos
from wslusb.usb.descriptors_extra import Companion
from wslusb.usb.ids import Speed

PIPES = {COMMAND: 1, STATUS: 2, DATA_IN: 3, DATA_OUT: 4}


@pytest.mark.parametrize("speed", [Speed.HIGH, Speed.SUPER])
def test_bulk_only_comes_first_and_uas_names_its_pipes(speed: Speed) -> None:
    bulk_only, uas = uas_gadget(speed=speed).configurations[0].interfaces
    assert (bulk_only.alternate, bulk_only.protocol, uas.alternate, uas.protocol) == (BULK_ONLY, 0x50, UAS, 0x62)
    assert {each.address: each.extra[-1] for each in uas.endpoints} == {
        address: bytes((4, 0x24, number, 0)) for address, number in PIPES.items()
    }


def test_a_high_speed_disk_has_no_streams() -> None:
    gadget = uas_gadget()
    assert gadget.bos == b""
    for interface in gadget.configurations[0].interfaces:
        assert [Companion.find(each.extra) for each in interface.endpoints] == [None] * len(interface.endpoints)


def test_a_superspeed_disk_offers_streams_on_all_pipes_of_uas_but_that_of_commands() -> None:
    gadget = uas_gadget(speed=Speed.SUPER)
    bulk_only, uas = gadget.configurations[0].interfaces
    assert [Companion.find(each.extra) for each in bulk_only.endpoints] == [Companion()] * 2
    assert {each.address: Companion.find(each.extra) for each in uas.endpoints} == {
        address: Companion(attributes=0 if address == COMMAND else 5) for address in PIPES
    }
    assert {each.max_packet_size for each in uas.endpoints} == {1024}
    assert 3 in [capability[2] for capability in split_bos(gadget.bos)]


def test_the_image_of_a_file_is_the_disk(tmp_path: Path) -> None:
    image = tmp_path / "disk.img"
    model = parse_models(f"uas:file={image},size=1M,serial=ABC")[0]
    assert model.gadget.string(model.gadget.device.serial) == "ABC"
    VirtualDevice(model.gadget, model.firmware).select_interface(0, UAS)
    assert image.stat().st_size == 1 << 20


def test_a_disk_of_another_speed_there_is_not() -> None:
    with pytest.raises(LocalError, match="high or super"):
        parse_models("uas:speed=full")
