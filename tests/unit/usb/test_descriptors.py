"""wslusb.usb.descriptors: what real devices have, and what they get wrong."""

from __future__ import annotations

import pytest

from wslusb.errors import LocalError, LocalReason
from wslusb.usb.descriptors import Configuration, DeviceDescriptor, Endpoint, Interface, split
from wslusb.usb.descriptors_extra import InterfaceAssociation, class_specific
from wslusb.usb.ids import TransferType

# A keyboard: the HID descriptor stands between interface and endpoint.
KEYBOARD = bytes.fromhex("0902220001010 0a032 0904000001030101 00 092111010001224100 0705810308000a".replace(" ", ""))
# An audio interface: association first, two alternate settings, nine-byte endpoint, class-specific descriptor after it.
AUDIO = bytes.fromhex(
    "09023d0002010080 32 080b000201000000 090400000001010000 0904010000010200 00 090401010101020000"
    "0905010964000100 00 0725010100 0000 ".replace(" ", "")
)


def test_device_descriptor_fields() -> None:
    raw = bytes.fromhex("12010002ff010240250 5a0a4 1907 01020302".replace(" ", ""))
    device = DeviceDescriptor.unpack(raw)
    assert (device.vendor, device.product, device.bcd_usb, device.bcd_device) == (0x0525, 0xA4A0, 0x0200, 0x0719)
    assert (device.device_class, device.subclass, device.protocol, device.max_packet_size0) == (0xFF, 1, 2, 64)
    assert (device.manufacturer, device.product_string, device.serial, device.configuration_count) == (1, 2, 3, 2)
    assert device.pack() == raw


@pytest.mark.parametrize("raw", [b"", bytes(17), bytes(18), b"\x12\x02" + bytes(16), b"\x11\x01" + bytes(16)])
def test_what_is_no_device_descriptor(raw: bytes) -> None:
    with pytest.raises(LocalError) as caught:
        DeviceDescriptor.unpack(raw)
    assert caught.value.reason is LocalReason.BAD_DESCRIPTOR


def test_keyboard() -> None:
    configuration = Configuration.unpack(KEYBOARD)
    (interface,) = configuration.interfaces
    assert (interface.interface_class, interface.subclass, interface.protocol) == (3, 1, 1)
    assert interface.extra == [bytes.fromhex("092111010001224100")]
    (endpoint,) = interface.endpoints
    assert (endpoint.address, endpoint.transfer, endpoint.max_packet_size) == (0x81, TransferType.INTERRUPT, 8)
    assert endpoint.interval == 10
    assert configuration.pack() == KEYBOARD


def test_audio_keeps_long_endpoints_and_what_follows_them() -> None:
    configuration = Configuration.unpack(AUDIO)
    assert configuration.extra == []
    assert configuration.interfaces[0].association == InterfaceAssociation(0, 2, 1)
    assert configuration.interfaces[1].association is None
    assert [(each.number, each.alternate) for each in configuration.interfaces] == [(0, 0), (1, 0), (1, 1)]
    (endpoint,) = configuration.interfaces[2].endpoints
    assert (endpoint.transfer, endpoint.tail, len(endpoint.extra)) == (TransferType.ISOCHRONOUS, b"\0\0", 1)
    assert configuration.pack() == AUDIO


def test_wrong_counts_and_totals_survive() -> None:
    raw = bytearray(KEYBOARD)
    raw[2], raw[4], raw[13] = 99, 7, 5
    assert Configuration.unpack(raw).pack() == raw


def test_counts_and_totals_are_computed_for_what_is_built_here() -> None:
    endpoint = Endpoint(0x81, TransferType.BULK, 512)
    settings = [Interface(0, 0), Interface(0, 1, endpoints=[endpoint]), Interface(1)]
    raw = Configuration(1, settings).pack()
    assert raw[:5] == bytes((9, 2, 9 + 3 * 9 + 7, 0, 2))
    assert raw[9 + 9 + 4] == 1


@pytest.mark.parametrize(
    ("max_packet_size", "size", "transactions"),
    [
        (64, 64, 1),
        (0x0400, 1024, 1),
        (0x0C00, 1024, 2),
        (0x1400, 1024, 3),
        (0x1AAB, 683, 4),
        (0xE3FF, 1023, 1),
        (0, 0, 1),
    ],
)
def test_packet_size_and_transactions_of_an_endpoint_leave_each_others_bits_and_the_reserved_ones_out(
    max_packet_size: int, size: int, transactions: int
) -> None:
    endpoint = Endpoint(0x81, TransferType.ISOCHRONOUS, max_packet_size)
    assert (endpoint.packet_size, endpoint.transactions) == (size, transactions)
    assert endpoint.pack()[4:6] == max_packet_size.to_bytes(2, "little")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x09",
        b"\x09\x02",
        KEYBOARD[:-1],
        KEYBOARD + b"\x01",
        KEYBOARD + b"\x00",
        KEYBOARD[9:],
        b"\x08\x02" + bytes(6),
    ],
)
def test_what_cannot_be_cut(raw: bytes) -> None:
    with pytest.raises(LocalError) as caught:
        Configuration.unpack(raw)
    assert caught.value.reason is LocalReason.BAD_DESCRIPTOR


def test_endpoint_before_any_interface_is_kept_as_bytes() -> None:
    raw = KEYBOARD[:9] + KEYBOARD[-7:] + KEYBOARD[9:]
    configuration = Configuration.unpack(raw)
    assert configuration.extra == [KEYBOARD[-7:]]
    assert configuration.pack() == raw


def test_of_several_configurations_those_that_can_be_read_are_left() -> None:
    found = Configuration.readable([KEYBOARD, b"", b"\x08\x02" + bytes(6), AUDIO + b"\x00"])
    assert [each.pack() for each in found] == [KEYBOARD, AUDIO + b"\x00"]


def test_split_takes_views() -> None:
    assert list(split(memoryview(b"\x02\x01\x03\x02\x03"))) == [b"\x02\x01", b"\x03\x02\x03"]


def test_class_specific_descriptors_say_their_length() -> None:
    assert class_specific(0x24, b"\x00\x10\x01") == bytes.fromhex("0524001001")
    assert len(class_specific(0x24, bytes(253))) == 255
    with pytest.raises(LocalError):
        class_specific(0x24, bytes(254))


def test_what_is_no_association() -> None:
    with pytest.raises(LocalError):
        InterfaceAssociation.unpack(bytes.fromhex("090b000201000000"))
