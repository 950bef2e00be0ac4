"""wslusb.dissect.usbip: the messages before a device is imported, as usbip's tools write them."""

from __future__ import annotations

import pytest
from scapy.packet import NoPayload, Packet, Raw

from wslusb.dissect import (
    UsbIp,
    UsbIpCmdSubmit,
    UsbIpDevice,
    UsbIpInterface,
    UsbIpOp,
    UsbIpRepDevlist,
    UsbIpRepImport,
    UsbIpReqImport,
)

STICK = UsbIpDevice(
    path=b"/sys/devices/platform/1-1", busid=b"1-1", busnum=1, devnum=2, vendor=0x0951, product=0x1666,
    interfaces=[UsbIpInterface(interface_class=8, subclass=6, protocol=80)],
)  # fmt: skip


@pytest.mark.parametrize(
    ("packet", "head", "size"),
    [
        (UsbIpOp(code="REQ_DEVLIST"), "01118005 00000000", 8),
        (UsbIpOp() / UsbIpReqImport(busid=b"1-1"), "01118003 00000000 312d31 00", 40),
        (UsbIpOp() / UsbIpRepImport(busid=b"1-1"), "01110003 00000000", 320),
        (UsbIpOp() / UsbIpRepDevlist(devices=[STICK]), "01110005 00000000 00000001", 12 + 312 + 4),
        (UsbIpOp() / UsbIpRepDevlist(), "01110005 00000000 00000000", 12),
    ],
)
def test_operations_there_and_back(packet: Packet, head: str, size: int) -> None:
    data = bytes(packet)
    assert data.startswith(bytes.fromhex(head))
    assert len(data) == size
    read = UsbIp(data)
    assert isinstance(read, UsbIpOp)
    assert read.payload.__class__ is packet.payload.__class__
    read.clear_cache()
    assert bytes(read) == data


def test_a_listed_device_has_its_interfaces() -> None:
    answer = UsbIp(bytes(UsbIpOp() / UsbIpRepDevlist(devices=[STICK, STICK])))
    assert [device.vendor for device in answer[UsbIpRepDevlist].devices] == [0x0951, 0x0951]
    assert answer[UsbIpRepDevlist].devices[1].interfaces[0].interface_class == 8
    assert answer.answers(UsbIpOp(code="REQ_DEVLIST"))
    assert not answer.answers(UsbIpOp(code="REQ_IMPORT"))


def test_a_refused_import_has_no_device() -> None:
    refused = UsbIp(bytes(UsbIpOp(code="REP_IMPORT", status="NODEV")))
    assert isinstance(refused.payload, NoPayload)
    assert refused.sprintf("%status%") == "NODEV"


def test_newer_kernels_write_all_ones_for_no_packets() -> None:
    submit = UsbIp(bytes(UsbIp(way="OUT", ep=2) / UsbIpCmdSubmit(data=b"abc", packets=0xFFFFFFFF)))
    assert submit[UsbIpCmdSubmit].data == b"abc"
    assert submit[UsbIpCmdSubmit].iso == []


def test_a_read_is_followed_by_the_next_command() -> None:
    read = bytes(UsbIp(way="IN", ep=1) / UsbIpCmdSubmit(length=512))
    assert len(read) == 48
    assert isinstance(UsbIp(read[:47]), Raw)
