"""Hypothesis strategies for what crosses the wire, and ways to spoil and to cut it."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from wslusb.usb.ids import Speed, TransferType
from wslusb.usb.info import DeviceInfo
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Completion, IsoResult, Status, Urb
from wslusb.wire.cancels import Cancel, CancelAnswer
from wslusb.wire.events import Event, EventKind
from wslusb.wire.limits import Limits
from wslusb.wire.listing import DeviceState, EnumerationAnswer, Listed
from wslusb.wire.messages import AttachAnswer, AttachRequest, ErrorMessage, Hello, Purpose, StatusAnswer

u8, u16, u32 = st.integers(0, 0xFF), st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF)
some = st.integers(1, 0xFFFFFFFF)
texts = st.text(st.characters(exclude_categories=["C", "Zl", "Zp", "Zs"]), max_size=60)
"""What survives the wire as it is: printable, and under 256 bytes of UTF-8."""
infos = st.builds(
    DeviceInfo, busid=texts, vendor=u16, product=u16, bcd_device=u16, device_class=u8, subclass=u8, protocol=u8,
    speed=st.sampled_from(Speed), manufacturer=texts, product_name=texts, serial=texts, port_path=texts, generation=u32,
    active_configuration=u8, device_descriptor=st.binary(max_size=18),
)  # fmt: skip
whole_infos = st.builds(
    DeviceInfo, busid=texts, vendor=u16, product=u16,
    configurations=st.lists(st.binary(max_size=99), max_size=4).map(tuple),
    bos=st.binary(max_size=40),
)  # fmt: skip
listed = st.builds(Listed, infos, st.sampled_from(DeviceState), texts)
limits = st.builds(Limits, some, u32, some, some)
hellos = st.builds(
    Hello, st.sampled_from(Purpose), u32, limits, st.sampled_from([b"", bytes(range(16))]), texts, u16, u16
)
messages: dict[type[Any], st.SearchStrategy[Any]] = {
    Hello: hellos,
    EnumerationAnswer: st.builds(EnumerationAnswer, st.lists(listed, max_size=4)),
    AttachRequest: st.builds(AttachRequest, texts, u32),
    AttachAnswer: st.builds(AttachAnswer, st.just(0), texts, some, some, some, whole_infos)
    | st.builds(AttachAnswer, some, texts),
    StatusAnswer: st.builds(StatusAnswer, u32, texts),
    Event: st.builds(
        Event, st.sampled_from(EventKind), texts, u32, u32, texts, st.lists(texts, max_size=64).map(tuple)
    ),
    Cancel: st.builds(Cancel, u32),
    CancelAnswer: st.builds(CancelAnswer, u32, st.booleans()),
    ErrorMessage: st.builds(ErrorMessage, u32, texts),
}

flags = st.sampled_from([0, 2, 4, 6, 0x10000, 0x10002, 0x10006]).map(int)


@st.composite
def urbs(draw: st.DrawFn) -> Urb:
    """Sound URBs of every type."""
    transfer = draw(st.sampled_from(TransferType))
    number = draw(st.integers(1, 15))
    iso: tuple[int, ...] = ()
    setup = None
    endpoint = number | draw(st.sampled_from([0, 0x80]))
    length = draw(st.integers(0, 300))
    if transfer == TransferType.CONTROL:
        setup = Setup(draw(u8), draw(u8), draw(u16), draw(u16), length)
        endpoint = setup.request_type & 0x80
    elif transfer == TransferType.ISOCHRONOUS:
        iso = tuple(draw(st.lists(st.integers(0, 100), min_size=1, max_size=12)))
        length = sum(iso)
    is_in = endpoint & 0x80 != 0
    data = b"" if is_in else draw(st.binary(min_size=length, max_size=length))
    return Urb(
        0, endpoint, int(transfer), length, draw(flags), data, setup, draw(u32), draw(u32), draw(u32), iso
    )  # fmt: skip


@st.composite
def completions(draw: st.DrawFn, urb: Urb) -> Completion:
    """Sound answers to ``urb``."""
    status = int(draw(st.sampled_from(Status)))
    if urb.is_iso:
        iso = [
            IsoResult(int(draw(st.sampled_from(Status))), draw(st.integers(0, length))) for length in urb.iso_lengths
        ]
        actual = sum(result.actual_length for result in iso)
        errors = draw(st.integers(0, len(iso)))
    else:
        iso, errors, actual = [], 0, draw(st.integers(0, urb.length))
    data = draw(st.binary(min_size=actual, max_size=actual)) if urb.is_in else b""
    return Completion(urb, status, actual, data, draw(u32), errors, iso)


def flat(urb: Urb) -> tuple[object, ...]:
    """A URB as something that can be compared."""
    return (
        urb.endpoint, urb.transfer, urb.length, urb.flags, bytes(urb.data), urb.setup, urb.interval, urb.stream,
        urb.start_frame, tuple(urb.iso_lengths),
    )  # fmt: skip


@st.composite
def spoilt(draw: st.DrawFn, payload: bytes) -> bytes:
    """A payload with a bit flipped, a u32 replaced, cut, or with something behind it."""
    data = bytearray(payload)
    how = draw(st.sampled_from(["bit", "number", "cut", "more"]))
    if how == "bit" and data:
        data[draw(st.integers(0, len(data) - 1))] ^= 1 << draw(st.integers(0, 7))
    elif how == "number" and len(data) >= 4:
        at = draw(st.integers(0, len(data) - 4))
        struct.pack_into("<I", data, at, draw(st.sampled_from([0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 65536])))
    elif how == "cut":
        del data[draw(st.integers(0, len(data))) :]
    else:
        data += draw(st.binary(min_size=1, max_size=9))
    return bytes(data)


def pieces(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    """``data`` cut at ``cuts``, which may be anything."""
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in itertools.pairwise(edges)]
