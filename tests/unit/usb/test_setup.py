"""wslusb.usb.setup: the eight bytes, and which requests are barriers."""

from __future__ import annotations

import struct

import pytest

from wslusb.usb.ids import DescriptorType, is_in
from wslusb.usb.setup import Barrier, Recipient, RequestType, Setup


def test_bytes() -> None:
    raw = bytes.fromhex("80 06 0003 0904 ff00")
    setup = Setup.unpack(raw)
    assert setup == Setup(0x80, 6, 0x0300, 0x0409, 255)
    assert setup.pack() == raw
    assert Setup.unpack(b"??" + raw, 2) == setup


def test_too_few_bytes() -> None:
    with pytest.raises(struct.error):
        Setup.unpack(bytes(7))


def test_parts_of_the_request_type() -> None:
    setup = Setup(0xA1, 0xFE, 0, 0, 1)
    assert (setup.is_in, setup.kind, setup.recipient) == (True, RequestType.CLASS, Recipient.INTERFACE)
    setup = Setup(0x42, 1, 0, 0, 0)
    assert (setup.is_in, setup.kind, setup.recipient) == (False, RequestType.VENDOR, Recipient.ENDPOINT)


@pytest.mark.parametrize(
    ("setup", "barrier"),
    [
        (Setup(0x00, 9, 1, 0, 0), Barrier.SELECT_CONFIGURATION),
        (Setup(0x01, 11, 1, 0, 0), Barrier.SELECT_INTERFACE),
        (Setup(0x02, 1, 0, 0x81, 0), Barrier.CLEAR_HALT),
        (Setup(0x02, 1, 1, 0x81, 0), None),
        (Setup(0x02, 1, 0, 0x00, 0), None),
        (Setup(0x02, 1, 0, 0x80, 0), None),
        (Setup(0x00, 1, 1, 0, 0), None),
        (Setup(0x02, 3, 0, 0x81, 0), None),
        (Setup(0x20, 9, 1, 0, 0), None),
        (Setup(0x21, 11, 1, 0, 0), None),
        (Setup(0x80, 9, 1, 0, 0), None),
    ],
)
def test_barriers(setup: Setup, barrier: Barrier | None) -> None:
    assert setup.barrier() is barrier


def test_get_descriptor() -> None:
    assert Setup(0x80, 6, 0x0301, 0x0409, 255).is_get_descriptor(DescriptorType.STRING)
    assert not Setup(0x80, 6, 0x0301, 0x0409, 255).is_get_descriptor(DescriptorType.DEVICE)
    assert not Setup(0x81, 6, 0x2200, 0, 255).is_get_descriptor(DescriptorType.HID)
    assert not Setup(0x80, 8, 0x0100, 0, 1).is_get_descriptor(DescriptorType.DEVICE)


def test_direction_bit() -> None:
    assert is_in(0x81)
    assert not is_in(0x01)
