"""Bulk transfers through a loopback: long ones, many that wait at a time, and reads that wait long."""

from __future__ import annotations

from typing import Any

import pytest

from hil.harness.fixtures import Both
from hil.live.device import LiveDevice
from hil.suite.loopbacks import loop_words
from wslusb.wire.limits import DEVICE_URBS

pytestmark = [pytest.mark.trait("bulk-loopback"), pytest.mark.safety("reversible")]

_SEED = 29
_SIZES = (1, 511, 512, 513, 4095, 4096, 4097, 8192, 16_384, 16_385, 32_768, 40_000, 65_536, 70_001)
"""Around packets, around what Linux' loopback and libusb cut transfers at, and well above."""
_LONG = (131_073, 262_144, 1_000_001, 2_500_000)
"""What a driver with pages of its own asks for at a time, and more than any limit that a round number suggests."""
_DEPTH = 48
"""Linux' network drivers have 60 reads wait at a high-speed card (drivers/net/usb/usbnet.c, usbnet_update_max_qlen)."""
_SILENCE_SECONDS = 8.0
_PATIENCE = 120.0
_CROWD = DEVICE_URBS - 2
_BURST = 24
"""Writes that come at once, while there are as many reads as there are credits."""
_MORE = 40
_HELD = 3
_TRANSFERS = 1600
"""There and back, so that twice as many URBs go through: a credit in a thousand that is lost leaves too few."""


def _through(both: Both, dut: LiveDevice, **words: Any) -> None:
    found = both.probe("loop", _PATIENCE, seed=_SEED, **words, **loop_words(dut))
    for side, seen in zip(("natively", "in the guest"), found, strict=True):
        assert not seen["early"], f"{side} reads ended before anything was sent: {', '.join(seen['early'])}"
        assert not seen["wrong"], f"{side}: {seen['wrong'][0]}"
        assert seen["lengths"] == list(words["sizes"]), f"{side}: the transfers that came back have other lengths"


def test_transfers_of_every_size(both: Both, dut: LiveDevice, effort: float) -> None:
    """Each comes back as it is and by itself, while many reads wait."""
    _through(both, dut, sizes=_SIZES * max(1, round(2 * effort)), depth=_DEPTH, silence=0.0)


def test_a_transfer_of_no_bytes(both: Both, dut: LiveDevice) -> None:
    """It is one, and what comes of it on a loopback is what comes natively."""
    words = {"sizes": [0, 5, 0, 512], "seed": _SEED, "depth": 4, "silence": 0.0}
    native, passthrough = both.probe("loop", _PATIENCE, **words, **loop_words(dut))
    assert passthrough == native


def test_long_transfers(both: Both, dut: LiveDevice) -> None:
    """No part of them is lost or changed, however long they are."""
    _through(both, dut, sizes=_LONG, depth=1, silence=0.0)


def test_more_at_a_time_than_there_are_credits(both: Both, dut: LiveDevice) -> None:
    """What has to wait for others leaves in order, and as it was when it was queued."""
    sizes = [20 * number + 1 for number in range(_BURST)]
    _through(both, dut, sizes=sizes, depth=DEVICE_URBS, silence=0.0, burst=True)


def test_without_a_capture(dut: LiveDevice, uncaptured: None) -> None:
    """All other tests run while both daemons record what goes on: what moves when they do not is the same."""
    seen = dut.passthrough().probe(
        "loop", _PATIENCE, sizes=_SIZES, seed=_SEED, depth=_DEPTH, silence=0.0, **loop_words(dut)
    )
    assert not seen["wrong"], seen["wrong"][0]
    assert seen["lengths"] == list(_SIZES)


def test_a_read_waits_for_as_long_as_it_takes(both: Both, dut: LiveDevice) -> None:
    """Nobody but the program that reads decides when it is enough (USB 2.0 knows no time-out of a bulk read)."""
    _through(both, dut, sizes=[100], depth=2, silence=_SILENCE_SECONDS)


def test_a_crowd_of_reads_after_many_transfers(both: Both, dut: LiveDevice, effort: float) -> None:
    """No credit is lost on the way: nearly as many reads as there are credits wait, and a request is answered."""
    words = {"transfers": max(_TRANSFERS, round(_TRANSFERS * effort)), "crowd": _CROWD, "more": _MORE}
    for side in both:
        seen = side.probe("crowd", _PATIENCE * max(1.0, effort), **words, **loop_words(dut))
        answers = seen["answers"]
        assert set(answers) == {"OK"}, f"{side}: GET_STATUS ended with {answers} while {_CROWD} reads waited"
        assert not seen["wrong"], f"{side}: {seen['wrong'][0]}"
        cancelled = len(answers) * (_CROWD + _MORE)
        assert seen["statuses"] == {"CANCELLED": cancelled}, f"{side}: the reads ended with {seen['statuses']}"


def test_a_read_that_is_taken_back_brings_what_it_has(both: Both, dut: LiveDevice) -> None:
    """Packets that had come before the cancel are in its completion."""
    found = both.probe("half_read", **loop_words(dut))
    for side, seen in zip(("natively", "in the guest"), found, strict=True):
        assert seen["status"] == "CANCELLED", f"{side}: {seen}"
        assert seen["same"], f"{side}: {seen['came']} bytes of {seen['sent']} came, or not the same ones"


def test_writes_that_wait_hold_up_nobody(both: Both, dut: LiveDevice) -> None:
    """While the device takes no more, as nobody reads what it has, it answers requests; the writes can be had back."""
    for side in both:
        seen = side.probe("held", count=_HELD, length=1 << 20, **loop_words(dut))
        assert seen["pending"], f"{side}: the device has taken {_HELD} MiB, so this shows nothing"
        assert seen["answer"] == "OK", f"{side}: GET_STATUS ended with {seen['answer']} while writes waited"
        assert not seen["wrong"], f"{side}: {seen['wrong'][0]}"
