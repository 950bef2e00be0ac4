"""wslusb.wire.usbip: what the kernel is told of an answer that no host controller would give."""

from __future__ import annotations

import struct

import pytest

from tests.support.usb import bulk_in, bulk_out, control_urb
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Completion, Status, Urb
from wslusb.wire.usbip import Submit, pack_ret_submit

EPROTO, ECONNRESET, EPIPE = -71, -104, -32


def told(urb: Urb, status: int, actual: int, data: bytes = b"") -> tuple[int, int]:
    """Status and actual length in RET_SUBMIT."""
    head = pack_ret_submit(Submit(1, urb), Completion(urb, status, actual, data))[0]
    result: tuple[int, int] = struct.unpack_from(">ii", head, 20)
    return result


@pytest.mark.parametrize("actual", [0, 1, 511])
def test_trap_out_that_is_called_a_success_and_is_short(actual: int) -> None:
    """Some drivers take the status for the whole truth, and data would be lost without a word."""
    assert told(bulk_out(bytes(512)), Status.OK, actual) == (EPROTO, 0)


@pytest.mark.parametrize(
    ("urb", "status", "actual", "answer"),
    [
        (bulk_out(bytes(512)), Status.OK, 512, (0, 512)),
        (bulk_out(b""), Status.OK, 0, (0, 0)),
        (bulk_out(bytes(512)), Status.CANCELLED, 100, (ECONNRESET, 100)),
        (bulk_out(bytes(512)), Status.STALL, 100, (EPIPE, 100)),
        (bulk_in(512), Status.OK, 0, (0, 0)),
        (control_urb(Setup(0x40, 1, 0, 0, 4), b"abcd"), Status.OK, 2, (0, 2)),
    ],
)
def test_short_answers_that_may_be(urb: Urb, status: int, actual: int, answer: tuple[int, int]) -> None:
    assert told(urb, status, actual) == answer
