"""The struct codec and the Scapy layers, written apart, hold the same of the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.packet import Packet, Raw

from tests.support.strategies import completions, messages, spoilt, u32, urbs
from wslusb.dissect import (
    MESSAGES,
    UsbSetup,
    VsockMon,
    WslUsb,
    WslUsbAttach,
    WslUsbAttachAnswer,
    WslUsbBlob,
    WslUsbCancel,
    WslUsbCancelAnswer,
    WslUsbDevice,
    WslUsbEnumerationAnswer,
    WslUsbError,
    WslUsbEvent,
    WslUsbHello,
    WslUsbIsoLength,
    WslUsbIsoResult,
    WslUsbNode,
    WslUsbStatusAnswer,
    WslUsbUrbRequest,
    WslUsbUrbResponse,
)
from wslusb.usb.info import DeviceInfo
from wslusb.usb.urb import Urb
from wslusb.wire.cancels import Cancel, CancelAnswer
from wslusb.wire.events import Event
from wslusb.wire.frame import PORT, MessageType, pack_header
from wslusb.wire.listing import DeviceState, EnumerationAnswer, Listed
from wslusb.wire.messages import AttachAnswer, AttachRequest, ErrorMessage, Hello, StatusAnswer
from wslusb.wire.urbs import encode_abort, encode_request, encode_response

HOST = {Hello, EnumerationAnswer, AttachAnswer, StatusAnswer, CancelAnswer, ErrorMessage}
"""What a host sends."""
EMPTY = [MessageType.ENUMERATION, MessageType.DETACH, MessageType.RESET, MessageType.PING, MessageType.PONG]


def device(listed: Listed) -> WslUsbDevice:
    info = listed.info
    return WslUsbDevice(
        busid=info.busid.encode(), vendor=info.vendor, product=info.product, bcd_device=info.bcd_device,
        device_class=info.device_class, subclass=info.subclass, protocol=info.protocol, speed=int(info.speed),
        generation=info.generation, manufacturer=info.manufacturer.encode(), product_name=info.product_name.encode(),
        serial=info.serial.encode(), port_path=info.port_path.encode(), active_configuration=info.active_configuration,
        device_descriptor=info.device_descriptor, state=int(listed.state), owner=listed.owner.encode(),
    )  # fmt: skip


def hello(message: Hello) -> Packet:
    lim = message.limits
    return WslUsbHello(
        oldest=message.oldest, newest=message.newest, purpose=int(message.purpose), capabilities=message.capabilities,
        transfer=lim.transfer, iso_packets=lim.iso_packets, urbs=lim.urbs, bytes_in_flight=lim.bytes_in_flight,
        token=message.token, speaker=message.name.encode(),
    )  # fmt: skip


def attach_answer(message: AttachAnswer) -> Packet:
    packet = WslUsbAttachAnswer(status=message.status, message=message.message.encode())
    info: DeviceInfo | None = message.info
    if info is not None:
        packet.handle, packet.urbs, packet.size = message.handle, message.urbs, message.size
        packet.device = device(Listed(info, DeviceState.ATTACHED))
        packet.configurations = [WslUsbBlob(data=each) for each in info.configurations]
        packet.bos = info.bos
    return packet


def event(message: Event) -> Packet:
    return WslUsbEvent(
        kind=int(message.kind), busid=message.busid.encode(), ticket=message.ticket, generation=message.generation,
        message=message.message.encode(), nodes=[WslUsbNode(node=each.encode()) for each in message.nodes],
    )  # fmt: skip


LAYERS: dict[type, Callable[[Any], Packet]] = {
    Hello: hello,
    EnumerationAnswer: lambda message: WslUsbEnumerationAnswer(devices=[device(each) for each in message.devices]),
    AttachRequest: lambda message: WslUsbAttach(busid=message.busid.encode(), generation=message.generation),
    AttachAnswer: attach_answer,
    StatusAnswer: lambda message: WslUsbStatusAnswer(status=message.status, message=message.message.encode()),
    Event: event,
    Cancel: lambda message: WslUsbCancel(target=message.target),
    CancelAnswer: lambda message: WslUsbCancelAnswer(target=message.target, outcome=int(message.won)),
    ErrorMessage: lambda message: WslUsbError(reason=message.reason, message=message.message.encode()),
}


def types_of(kind: Any) -> list[MessageType]:
    return [MessageType.DETACH, MessageType.RESET] if kind is StatusAnswer else [kind.TYPE]


def chunk(frame: bytes, *, from_host: bool) -> VsockMon:
    """A frame with the header that says which way it went."""
    source, destination = (PORT, 5) if from_host else (5, PORT)
    return VsockMon(bytes(VsockMon(src_port=source, dst_port=destination)) + frame)


def same(read: Packet, built: Packet) -> None:
    """All that was put into a packet has been read, and into the packets in it."""
    assert read.__class__ is built.__class__
    for name, value in built.fields.items():
        found = read.getfieldval(name)
        if isinstance(value, Packet):
            same(found, value)
        elif isinstance(value, list):
            for one, other in zip(found, value, strict=True):
                same(one, other)
        else:
            assert found == value, name


def agree(frame: bytes, built: Packet, *, from_host: bool) -> WslUsb:
    """The layers build these bytes, and read what they were built of."""
    assert bytes(built) == frame
    read: WslUsb = chunk(frame, from_host=from_host)[WslUsb]
    same(read, built)
    same(read.payload, built.payload)
    read.clear_cache()
    assert bytes(read) == frame, "from its fields alone"
    return read


@pytest.mark.parametrize("kind", messages)
@given(data=st.data(), sequence=u32, handle=u32)
def test_messages(kind: Any, data: st.DataObject, sequence: int, handle: int) -> None:
    message = data.draw(messages[kind])
    for number in types_of(kind):
        payload = message.pack()
        frame = pack_header(number, len(payload), sequence, handle) + payload
        built = WslUsb(type=int(number), sequence=sequence, handle=handle) / LAYERS[kind](message)
        read = agree(frame, built, from_host=kind in HOST)
        assert (read.type, read.size, read.sequence, read.handle) == (number, len(payload), sequence, handle)
        assert kind.unpack(bytes(read.payload)) == message


@given(urbs(), u32, u32)
def test_urb_requests(urb: Urb, sequence: int, handle: int) -> None:
    frame = b"".join(encode_request(urb, sequence, handle))
    packet = WslUsbUrbRequest(
        function=int.from_bytes(frame[16:18], "little"), endpoint=urb.endpoint, transfer=urb.transfer,
        flags=urb.flags | urb.is_in, interval=urb.interval, stream=urb.stream, start_frame=urb.start_frame,
        iso=[WslUsbIsoLength(length=each) for each in urb.iso_lengths], data=bytes(urb.data),
    )  # fmt: skip
    if urb.setup is not None:
        kind, request, value, index, length = astuple(urb.setup)
        packet.setup = UsbSetup(bmRequestType=kind, bRequest=request, wValue=value, wIndex=index, wLength=length)
    if urb.is_in and not urb.iso_lengths:
        packet.length = urb.length
    agree(frame, WslUsb(sequence=sequence, handle=handle) / packet, from_host=False)


@given(urbs())
def test_what_is_left_out_of_a_request_follows_from_the_rest(urb: Urb) -> None:
    """Function, direction and length: a plain transfer is built as the codec builds it."""
    urb.flags = 0
    packet = WslUsbUrbRequest(endpoint=urb.endpoint, transfer=urb.transfer, data=bytes(urb.data))
    packet.iso = [WslUsbIsoLength(length=each) for each in urb.iso_lengths]
    if urb.setup is not None:
        urb.setup.request_type |= 0x60  # no request that has a function of its own
        packet.setup = UsbSetup(urb.setup.pack())
    elif urb.is_in and not urb.iso_lengths:
        packet.length = urb.length
    urb.interval = urb.stream = urb.start_frame = 0
    assert bytes(WslUsb(sequence=1, handle=2) / packet) == b"".join(encode_request(urb, 1, 2))


@given(st.data(), urbs(), u32, u32)
def test_urb_responses(data: st.DataObject, urb: Urb, sequence: int, handle: int) -> None:
    completion = data.draw(completions(urb))
    packet = WslUsbUrbResponse(
        status=completion.status, actual_length=completion.actual_length, error_count=completion.error_count,
        start_frame=completion.start_frame, data=bytes(completion.data),
        iso=[WslUsbIsoResult(status=each.status, actual_length=each.actual_length) for each in completion.iso],
    )  # fmt: skip
    frame = b"".join(encode_response(completion, sequence, handle))
    agree(frame, WslUsb(sequence=sequence, handle=handle) / packet, from_host=True)


@given(st.integers(0, 255), u32, u32)
def test_an_abort(endpoint: int, sequence: int, handle: int) -> None:
    built = WslUsb(sequence=sequence, handle=handle) / WslUsbUrbRequest(function=2, endpoint=endpoint, flags=0)
    agree(encode_abort(endpoint, sequence, handle), built, from_host=False)


@pytest.mark.parametrize("kind", EMPTY)
@given(sequence=u32, handle=u32)
def test_requests_that_are_a_header_alone(kind: MessageType, sequence: int, handle: int) -> None:
    read = WslUsb(pack_header(kind, 0, sequence, handle))
    assert bytes(WslUsb(type=int(kind), sequence=sequence, handle=handle)) == bytes(read)
    assert not read.payload


def test_every_type_was_compared() -> None:
    compared = {number for kind in messages for number in types_of(kind)}
    assert compared | set(EMPTY) | {MessageType.URB_REQUEST, MessageType.URB_RESPONSE} == set(MessageType)
    assert set(MESSAGES) == set(MessageType)


@pytest.mark.parametrize("kind", messages)
@given(data=st.data())
def test_spoilt_messages_never_raise_and_keep_their_bytes(kind: Any, data: st.DataObject) -> None:
    payload = data.draw(spoilt(data.draw(messages[kind]).pack()))
    frame = pack_header(types_of(kind)[0], len(payload), 1) + payload
    for packet in (WslUsb(frame), chunk(frame, from_host=kind in HOST)):
        assert bytes(packet).endswith(frame)
        packet.show(dump=True)
        packet.clear_cache()
        assert bytes(packet).endswith(frame)


@given(st.binary(max_size=300))
def test_junk_never_raises_and_keeps_its_bytes(junk: bytes) -> None:
    packet = WslUsb(junk) if junk else Raw(b"")
    assert bytes(packet) == junk
    packet.show(dump=True)
