"""wslusb.usb.urb: directions, and the errno table both ways."""

from __future__ import annotations

import errno
import sys

import pytest

from wslusb.usb.ids import TransferType
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Completion, Status, Urb, from_errno, to_errno

NAMES = {
    Status.CRC: "EILSEQ", Status.STALL: "EPIPE", Status.NOT_RESPONDING: "ETIME", Status.OVERRUN: "EOVERFLOW",
    Status.SHORT: "EREMOTEIO", Status.BUFFER_OVERRUN: "ECOMM", Status.BUFFER_UNDERRUN: "ENOSR",
    Status.PROTOCOL: "EPROTO", Status.BIT_STUFF: "EPROTO", Status.ACCESS_DENIED: "EACCES", Status.NO_MEMORY: "ENOMEM",
    Status.CANCELLED: "ECONNRESET", Status.NOT_SUPPORTED: "EOPNOTSUPP", Status.TIMEOUT: "ETIMEDOUT",
    Status.GONE: "ESHUTDOWN", Status.ISO_NOT_ACCESSED: "EXDEV", Status.INVALID: "EINVAL", Status.BUSY: "EBUSY",
    Status.FAILED: "EIO",
}  # fmt: skip


def test_table_has_every_status() -> None:
    assert to_errno(Status.OK) == 0
    assert set(NAMES) | {Status.OK} == set(Status)


@pytest.mark.skipif(sys.platform != "linux", reason="the numbers are Linux'; other systems have others for these names")
@pytest.mark.parametrize("status", NAMES)
def test_numbers_are_those_of_linux(status: Status) -> None:
    assert to_errno(status) == -int(getattr(errno, NAMES[status]))


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.BIT_STUFF])
def test_there_and_back(status: Status) -> None:
    assert from_errno(to_errno(status)) is status


def test_numbers_that_two_statuses_share_and_numbers_that_share_a_status() -> None:
    assert from_errno(to_errno(Status.BIT_STUFF)) is Status.PROTOCOL
    assert from_errno(-2) is Status.CANCELLED  # ENOENT: usb_kill_urb
    assert from_errno(-19) is Status.GONE  # ENODEV


def test_unknown_numbers() -> None:
    assert to_errno(0x12345678) == -5
    assert from_errno(-9999) is Status.FAILED
    assert from_errno(5) is Status.FAILED


def test_direction_of_a_urb() -> None:
    assert Urb(1, 0x81, TransferType.BULK, 1).is_in
    assert not Urb(1, 0x01, TransferType.BULK, 1).is_in
    assert Urb(1, 0x00, TransferType.CONTROL, 1, setup=Setup(0x80, 0, 0, 0, 1)).is_in
    assert not Urb(1, 0x80, TransferType.CONTROL, 0, setup=Setup(0x00, 9, 1, 0, 0)).is_in


def test_urbs_and_completions_are_told_apart_by_identity() -> None:
    assert Urb(1, 0x81, TransferType.BULK, 1) != Urb(1, 0x81, TransferType.BULK, 1)
    urb = Urb(1, 0x83, TransferType.ISOCHRONOUS, 1)
    assert urb.is_iso
    assert Completion(urb) != Completion(urb)
