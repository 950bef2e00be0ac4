"""Records of usbmon: what ``wslusb.capture.usbmon`` writes and reads, and what the Scapy layer does, are the same."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import completions, u8, u16, urbs
from wslusb.capture.record import Record
from wslusb.capture.usbmon import completed, read, submitted
from wslusb.dissect import UsbMon, UsbMonIsoPacket, UsbMonShort, UsbSetup
from wslusb.usb.ids import TransferType
from wslusb.usb.urb import Urb

TRANSFERS = [TransferType.ISOCHRONOUS, TransferType.INTERRUPT, TransferType.CONTROL, TransferType.BULK]
times = st.integers(0, 2**33).map(lambda microseconds: microseconds * 1000)
places = st.tuples(st.integers(1, 255), u8)


def agree(layer: UsbMonShort, record: Record | None) -> None:
    assert record is not None
    assert (chr(layer.kind), layer.id, layer.bus, layer.device) == (record.kind, record.key, record.bus, record.device)
    assert layer.seconds * 1_000_000_000 + layer.microseconds * 1000 == record.time
    assert TRANSFERS[layer.transfer] == record.transfer
    assert (layer.endpoint, layer.status, layer.urb_length) == (record.endpoint, record.status, record.length)
    assert [(each.status, each.offset, each.length) for each in layer.iso] == [
        (each.status, each.offset, each.length) for each in record.iso
    ]
    assert layer.data == record.data
    if record.setup:
        assert bytes(layer.setup) == record.setup
    if record.transfer == TransferType.ISOCHRONOUS:
        assert layer.error_count == record.errors


def check(data: bytes) -> UsbMon:
    layer = UsbMon(data)
    agree(layer, read(data))
    layer.clear_cache()
    assert bytes(layer) == data, "from its fields alone"
    return layer


@given(st.data(), urbs().filter(lambda urb: urb.interval < 2**31 and urb.start_frame < 2**31), places, times)
def test_our_records(data: st.DataObject, urb: Urb, place: tuple[int, int], now: int) -> None:
    check(b"".join(submitted(urb, place, now)))
    completion = data.draw(completions(urb))
    completion.start_frame &= 0x7FFFFFFF
    layer = check(b"".join(completed(completion, place, now)))
    periodic = urb.transfer in (TransferType.INTERRUPT, TransferType.ISOCHRONOUS)
    assert (layer.interval, layer.packets) == (urb.interval if periodic else 0, len(urb.iso_lengths))


@given(st.lists(st.tuples(st.integers(-200, 0), u16, u16), min_size=1, max_size=9), st.binary(max_size=50))
def test_isochronous_records_with_either_header(table: list[tuple[int, int, int]], data: bytes) -> None:
    iso = [UsbMonIsoPacket(status=status, offset=offset, length=length) for status, offset, length in table]
    for kind, short in ((UsbMon, False), (UsbMonShort, True)):
        built = bytes(kind(kind="COMPLETE", transfer="ISOCHRONOUS", endpoint=0x81, iso=iso, data=data))
        agree(kind(built), read(built, short=short))
        assert struct.unpack_from("<II", built, 32) == (len(data), 16 * len(table) + len(data))


@given(st.binary(max_size=64))
def test_control_records_with_the_short_header(data: bytes) -> None:
    setup = UsbSetup(bmRequestType=0x21, bRequest=9, wLength=len(data))
    built = bytes(UsbMonShort(kind="SUBMIT", endpoint=0, setup=setup, data=data))
    layer = UsbMonShort(built)
    agree(layer, read(built, short=True))
    assert layer.setup.bmRequestType == 0x21


@given(st.binary(max_size=200))
def test_junk_never_raises_and_keeps_its_bytes(junk: bytes) -> None:
    if junk:
        assert bytes(UsbMon(junk)) == junk == bytes(UsbMonShort(junk))
