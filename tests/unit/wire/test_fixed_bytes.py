"""The wire as docs/protocol.md has it: bytes that must never change, and the limits that bound them."""

from __future__ import annotations

import struct

import pytest

from tests.support.usb import bulk_in, bulk_out, control_urb, iso_urb
from wslusb.errors import LocalError, PeerError, PeerReason
from wslusb.usb.ids import Speed
from wslusb.usb.info import DeviceInfo
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Completion, Status
from wslusb.wire import limits
from wslusb.wire.events import Event, EventKind
from wslusb.wire.frame import PORT, SERVICE_ID, MessageType
from wslusb.wire.limits import Limits
from wslusb.wire.listing import DeviceState, EnumerationAnswer, Listed
from wslusb.wire.messages import AttachAnswer, AttachRequest, Hello
from wslusb.wire.urbs import decode_request, encode_request, encode_response
from wslusb.wire.usbip import SubmitBuffer, pack_ret_unlink


def test_numbers_of_the_proposal() -> None:
    assert (PORT, SERVICE_ID[:8]) == (0x5553422, f"{PORT:08x}")
    kinds = ("ENUMERATION", "ATTACH", "DETACH", "URB_REQUEST", "URB_RESPONSE", "EVENT", "ERROR")
    assert [MessageType[name].value for name in kinds] == [1, 2, 3, 4, 5, 6, 0xFF]


def test_hello() -> None:
    payload = Hello(limits=Limits(1, 2, 3, 4), token=bytes(16), name="me").pack()
    assert payload == b"wslusb\r\n" + struct.pack("<HHBI4IB16sH", 1, 1, 0, 0, 1, 2, 3, 4, 16, bytes(16), 2) + b"me"
    assert Hello.unpack(payload + b"of a newer version").name == "me"


@pytest.mark.parametrize(
    ("urb", "function"),
    [
        (bulk_in(), 9),
        (bulk_out(b"x"), 9),
        (iso_urb([1]), 10),
        (control_urb(Setup(0x80, 6, 0x100, 0, 18)), 8),
        (control_urb(Setup(0, 9, 1, 0, 0)), 0),
        (control_urb(Setup(1, 11, 1, 0, 0)), 1),
        (control_urb(Setup(2, 1, 0, 0x81, 0)), 0x1E),
        (control_urb(Setup(2, 1, 1, 0x81, 0)), 8),
    ],
)
def test_functions(urb: object, function: int) -> None:
    frame = b"".join(encode_request(urb, 1, 2))  # type: ignore[arg-type]
    assert struct.unpack_from("<H", frame, 16) == (function,)


@pytest.mark.parametrize(("function", "recipient"), [(0x0B, 0x80), (0x28, 0x81), (0x24, 0x82)])
def test_a_guest_may_ask_for_descriptors_by_windows_functions(function: int, recipient: int) -> None:
    for request_type, sound in ((recipient, True), (0x83, False)):
        setup = Setup(request_type, 6, 0x100, 0, 18)
        payload = struct.pack("<HBBIIIIII8s", function, 0x80, 0, 3, 18, 0, 0, 0, 0, setup.pack())
        if sound:
            assert decode_request(memoryview(payload), 1, Limits()).setup == setup
        else:
            with pytest.raises(PeerError):
                decode_request(memoryview(payload), 1, Limits())


def test_unknown_flags_are_refused() -> None:
    """Also the highest bit, which the complement of an IntFlag forgets."""
    for bit in range(32):
        payload = struct.pack("<HBBIIIIII8s", 9, 0x81, 2, 1 | 1 << bit, 512, 0, 0, 0, 0, bytes(8))
        if bit in (0, 1, 2, 16):
            decode_request(memoryview(payload), 1, Limits())
        else:
            with pytest.raises(PeerError) as caught:
                decode_request(memoryview(payload), 1, Limits())
            assert caught.value.reason is PeerReason.MALFORMED


def test_response() -> None:
    urb = bulk_in(512)
    buffers = encode_response(Completion(urb, Status.SHORT, 4, b"data", 7), 3, 5)
    assert b"".join(buffers) == struct.pack("<4I5I", 5, 24, 3, 5, Status.SHORT, 4, 0, 7, 0) + b"data"
    assert buffers[-1] == b"data", "the data are the device's own buffer"


def info(**changes: object) -> DeviceInfo:
    return DeviceInfo(busid="1-1", vendor=1, product=2, speed=Speed.HIGH, **changes)  # type: ignore[arg-type]


def test_lists_are_cut_at_the_limit() -> None:
    many = [Listed(info(), DeviceState.SHARED)] * (limits.DEVICES + 5)
    assert len(EnumerationAnswer.unpack(EnumerationAnswer(many).pack()).devices) == limits.DEVICES
    event = Event(EventKind.ATTACHED, "1-1", nodes=("/dev/x",) * (limits.NODES + 5))
    assert len(Event.unpack(event.pack()).nodes) == limits.NODES


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (struct.pack("<H", limits.STRING + 1) + b"x" * (limits.STRING + 1), PeerReason.OVERSIZED),
        (struct.pack("<H", 2) + b"\xff\xfe" + bytes(4), PeerReason.MALFORMED),
        (struct.pack("<H", 2) + b"\x1b[" + bytes(4), PeerReason.MALFORMED),
        (struct.pack("<H", 3) + b"1-1" + bytes(3), PeerReason.TRUNCATED),
        (struct.pack("<H", 3) + b"1-1" + bytes(5), PeerReason.MALFORMED),
    ],
)
def test_strings(payload: bytes, reason: PeerReason) -> None:
    with pytest.raises(PeerError) as caught:
        AttachRequest.unpack(payload)
    assert caught.value.reason is reason


def test_descriptors_have_a_limit_in_all() -> None:
    half = bytes(limits.DESCRIPTORS // 2)
    answer = AttachAnswer(0, "", 1, 1, 1, info(configurations=(half, half)))
    assert AttachAnswer.unpack(answer.pack()).info == answer.info
    for more in ({"configurations": (half, half, b"x")}, {"configurations": (half, half), "bos": b"x"}):
        with pytest.raises(PeerError) as caught:
            AttachAnswer.unpack(AttachAnswer(0, "", 1, 1, 1, info(**more)).pack())
        assert caught.value.reason is PeerReason.OVERSIZED
    with pytest.raises(PeerError) as caught:
        AttachAnswer.unpack(AttachAnswer(0, "", 1, 1, 1, info(configurations=(b"",) * 33)).pack())
    assert caught.value.reason is PeerReason.LIMIT


def test_ret_unlink() -> None:
    assert pack_ret_unlink(7, -104) == struct.pack(">5Ii24x", 4, 7, 0, 0, 0, -104)


def test_vhci_commands_have_limits() -> None:
    buffer = SubmitBuffer(size=64)
    head = struct.pack(">5IIIiii8x", 1, 1, 1, 1, 1, 0, 100, 0, limits.ISO_PACKETS + 1, 0)
    buffer.writable()[:48] = head
    buffer.received(48)
    with pytest.raises(LocalError):
        buffer.next()
