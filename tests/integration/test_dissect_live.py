"""Scapy against a live service: hello, enumeration, attach, URBs; and what a service says to fuzzed ones."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from scapy.packet import Packet, fuzz

from tests.support.world import World
from wslusb.dissect import (
    UsbSetup,
    WslUsb,
    WslUsbAttach,
    WslUsbAttachAnswer,
    WslUsbCancel,
    WslUsbCancelAnswer,
    WslUsbEnumerationAnswer,
    WslUsbError,
    WslUsbEvent,
    WslUsbHello,
    WslUsbIsoLength,
    WslUsbSocket,
    WslUsbStatusAnswer,
    WslUsbUrbRequest,
    WslUsbUrbResponse,
)
from wslusb.usb.ids import TransferType
from wslusb.usb.urb import Status
from wslusb.wire.frame import MessageType
from wslusb.wire.messages import Purpose

PATIENCE = 10


def ask(sock: WslUsbSocket, packet: Packet) -> Packet:
    """Send one, wait for its answer."""
    answer: Packet | None = sock.sr1(packet, timeout=PATIENCE, verbose=False)
    assert answer is not None, f"no answer to {packet.summary()}"
    return answer


@pytest.fixture
def control(world: World) -> Iterator[WslUsbSocket]:
    """A control connection after its hello."""
    with WslUsbSocket.connect(str(world.address.path)) as sock:
        yield sock


def greet(sock: WslUsbSocket) -> bytes:
    token = ask(sock, WslUsb() / WslUsbHello(speaker=b"scapy"))[WslUsbHello].token
    assert len(token) == 16
    return bytes(token)


@pytest.fixture
def device(world: World, control: WslUsbSocket) -> Iterator[WslUsbSocket]:
    """A data connection that has attached 9-1."""
    token = greet(control)
    with WslUsbSocket.connect(str(world.address.path)) as sock:
        ask(sock, WslUsb() / WslUsbHello(purpose=Purpose.DATA, token=token))
        answer = ask(sock, WslUsb() / WslUsbAttach(busid=b"9-1"))[WslUsbAttachAnswer]
        assert answer.status == Status.OK
        assert (answer.device.vendor, answer.device.product) == (0x0525, 0xA4A0)
        assert len(answer.configurations) == 2
        assert sock.handle == answer.handle
        yield sock


def test_enumeration(control: WslUsbSocket) -> None:
    greet(control)
    answer = ask(control, WslUsb(type="ENUMERATION"))[WslUsbEnumerationAnswer]
    assert (answer.devices[0].busid, answer.devices[0].product_name) == (b"9-1", b"Loopback")
    assert answer.count == len(answer.devices) == 2


def test_ping(control: WslUsbSocket) -> None:
    greet(control)
    assert ask(control, WslUsb(type="PING")).type == MessageType.PONG


def test_an_attach_that_fails(world: World, control: WslUsbSocket) -> None:
    token = greet(control)
    with WslUsbSocket.connect(str(world.address.path)) as sock:
        ask(sock, WslUsb() / WslUsbHello(purpose=Purpose.DATA, token=token))
        answer = ask(sock, WslUsb() / WslUsbAttach(busid=b"7-7"))[WslUsbAttachAnswer]
        assert answer.status != Status.OK
        assert answer.message


def test_a_descriptor(device: WslUsbSocket) -> None:
    setup = UsbSetup(bmRequestType=0x80, bRequest="GET_DESCRIPTOR", wValue=0x0100, wLength=18)
    answer = ask(device, WslUsb() / WslUsbUrbRequest(setup=setup))[WslUsbUrbResponse]
    assert answer.status == Status.OK
    assert answer.data[8:12] == bytes.fromhex("2505a0a4")


def test_bulk_both_ways(device: WslUsbSocket) -> None:
    read = WslUsbUrbRequest(transfer=TransferType.BULK, endpoint=0x81, length=1024)
    answer = ask(device, WslUsb() / read)[WslUsbUrbResponse]
    assert (answer.status, answer.data) == (Status.OK, bytes(1024))
    write = WslUsbUrbRequest(transfer=TransferType.BULK, endpoint=0x01, data=bytes(512))
    answer = ask(device, WslUsb() / write)[WslUsbUrbResponse]
    assert (answer.status, answer.actual_length, answer.data) == (Status.OK, 512, b"")


def test_isochronous_after_set_interface(device: WslUsbSocket) -> None:
    setup = UsbSetup(bmRequestType=0x01, bRequest="SET_INTERFACE", wValue=1)
    assert ask(device, WslUsb() / WslUsbUrbRequest(setup=setup))[WslUsbUrbResponse].status == Status.OK
    iso = [WslUsbIsoLength(length=1024)] * 3
    request = WslUsbUrbRequest(transfer=TransferType.ISOCHRONOUS, endpoint=0x83, flags="IN+ISO_ASAP", iso=iso)
    answer = ask(device, WslUsb() / request)[WslUsbUrbResponse]
    assert [each.actual_length for each in answer.iso] == [1024] * 3
    assert answer.data == bytes(3072)


def test_a_cancel_is_answered_after_its_urb(device: WslUsbSocket) -> None:
    select = UsbSetup(bRequest="SET_CONFIGURATION", wValue=2)
    ask(device, WslUsb() / WslUsbUrbRequest(setup=select))
    read = WslUsb() / WslUsbUrbRequest(transfer=TransferType.BULK, endpoint=0x81, length=64)
    device.send(read)
    device.send(WslUsb() / WslUsbCancel(target=read.sequence))
    response, outcome = device.recv(), device.recv()
    assert response is not None
    assert outcome is not None
    assert response.answers(read)
    assert response[WslUsbUrbResponse].status == Status.CANCELLED
    assert outcome[WslUsbCancelAnswer].sprintf("%outcome%") == "WON"


def test_detach(device: WslUsbSocket) -> None:
    assert ask(device, WslUsb(type="DETACH"))[WslUsbStatusAnswer].status == Status.OK
    with pytest.raises(EOFError):
        device.recv()


def test_several_answers_in_one_piece_are_several_packets(device: WslUsbSocket) -> None:
    for _ in range(5):
        device.send(WslUsb() / WslUsbUrbRequest(transfer=TransferType.BULK, endpoint=0x81, length=8))
    numbers = [packet.sequence for packet in (device.recv() for _ in range(5)) if packet is not None]
    assert numbers == sorted(numbers)
    assert len(numbers) == 5


def test_a_wrong_number_is_answered_with_an_error(control: WslUsbSocket) -> None:
    greet(control)
    answer = ask(control, WslUsb(type="ENUMERATION", sequence=7))
    assert answer[WslUsbError].sprintf("%reason%") == "OUT_OF_ORDER"


@pytest.mark.parametrize("layer", [WslUsbHello, WslUsbAttach, WslUsbEvent, WslUsbUrbRequest, WslUsbCancel])
def test_fuzzed_messages_end_one_connection_and_nothing_else(world: World, layer: type[Packet]) -> None:
    random.seed(layer.__name__)
    for _ in range(10):
        with WslUsbSocket.connect(str(world.address.path)) as sock:
            if layer is not WslUsbHello:
                greet(sock)
            sock.send(WslUsb() / fuzz(layer()))
            said = drain(sock)
            assert all(packet.type in (MessageType.ERROR, MessageType.HELLO) for packet in said)
    world.works()


def drain(sock: WslUsbSocket) -> list[Packet]:
    """What is said until the connection ends, once this side has no more to say."""
    sock.finish()
    said = []
    try:
        while (packet := sock.recv()) is not None:
            said.append(packet)
    except (EOFError, ConnectionResetError):
        pass
    return said
