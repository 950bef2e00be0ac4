"""wslusb.guest.relay: every order of completions and unlinks."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.kernel import ECONNRESET, RET_SUBMIT, RET_UNLINK
from tests.support.relay import INFO, Rig, told
from tests.support.usb import PuppetDevice
from wslusb.usb.urb import Status, Urb


def unlinked(rig: Rig, puppet: PuppetDevice) -> Urb:
    """Read 1, which unlink 2 is to take back: read 3, which was sent after that, is with the device."""
    rig.kernel.submit(1, 0x81, 512)
    urb = puppet.next()
    rig.kernel.unlink(2, 1)
    rig.kernel.submit(3, 0x81, 512)
    puppet.next()
    return urb


def test_unlink_wins(rig: Rig, puppet: PuppetDevice) -> None:
    urb = unlinked(rig, puppet)
    assert puppet.cancelled == [urb]
    puppet.complete(urb, Status.CANCELLED)
    assert told(rig.kernel.answer()) == (RET_UNLINK, 2, ECONNRESET)
    assert rig.kernel.silent()


@pytest.mark.parametrize("status", [Status.OK, Status.STALL, Status.GONE])
def test_unlink_loses(rig: Rig, puppet: PuppetDevice, status: Status) -> None:
    urb = unlinked(rig, puppet)
    puppet.complete(urb, status)
    assert rig.kernel.answer().command == RET_SUBMIT
    assert told(rig.kernel.answer()) == (RET_UNLINK, 2, 0)


def test_trap_what_was_moved_before_a_cancel_is_delivered(rig: Rig, puppet: PuppetDevice) -> None:
    urb = unlinked(rig, puppet)
    puppet.complete(urb, Status.CANCELLED, b"half")
    answer = rig.kernel.answer()
    assert (answer.command, answer.status, answer.data) == (RET_SUBMIT, ECONNRESET, b"half")
    assert told(rig.kernel.answer()) == (RET_UNLINK, 2, 0)


def test_trap_every_unlink_is_answered_also_a_late_one(rig: Rig, puppet: PuppetDevice) -> None:
    rig.kernel.submit(1, 0x81, 512)
    puppet.complete(puppet.next(), Status.OK, b"x")
    rig.kernel.unlink(2, 1)
    rig.kernel.unlink(3, 99)
    assert [told(rig.kernel.answer()) for _ in range(3)] == [
        (RET_SUBMIT, 1, 0),
        (RET_UNLINK, 2, 0),
        (RET_UNLINK, 3, 0),
    ]
    assert not puppet.cancelled


def test_a_device_that_cancels_on_its_own(rig: Rig, puppet: PuppetDevice) -> None:
    """A change of the setting gives URBs back that nobody has unlinked: they are submits that failed."""
    rig.kernel.submit(1, 0x81, 512)
    puppet.complete(puppet.next(), Status.CANCELLED)
    assert told(rig.kernel.answer()) == (RET_SUBMIT, 1, ECONNRESET)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["submit", "unlink", "complete", "cancelled", "partial"]), st.integers(0, 30)
    ),
    max_size=60,
)  # fmt: skip


@given(STEPS)
def test_every_interleaving_answers_everything_once(steps: list[tuple[str, int]]) -> None:
    """Each SUBMIT gets one RET_SUBMIT or a RET_UNLINK that won, each UNLINK one RET_UNLINK, and no byte is lost."""
    puppet = PuppetDevice(INFO)
    rig = Rig(puppet)
    kernel, number, moved = rig.kernel, 0, 0
    submitted: list[int] = []
    unlinked: set[int] = set()
    try:
        for action, which in steps:
            if action == "submit":
                number += 1
                kernel.submit(number, 0x81, 512)
                submitted.append(number)
                puppet.next()
            elif action == "unlink" and submitted:
                target = submitted[which % len(submitted)]
                if target not in unlinked:  # the kernel unlinks once
                    unlinked.add(target)
                    number += 1
                    kernel.unlink(number, target)
            elif puppet.waiting:
                urb = list(puppet.waiting)[which % len(puppet.waiting)]
                data = bytes(which) if action != "cancelled" else b""
                moved += len(data)
                puppet.complete(urb, Status.OK if action == "complete" else Status.CANCELLED, data)
        number += 1
        kernel.submit(number, 0x01, 0)  # a last one: everything before it has been read
        puppet.next()
        for urb in list(puppet.waiting):
            puppet.complete(urb)
        received = 0
        while kernel.asked or kernel.unlinks:
            received += len(kernel.answer().data)
        assert received == moved
        assert kernel.silent()
    finally:
        rig.close()


def test_unlinks_race_with_completions_on_threads(rig: Rig, puppet: PuppetDevice) -> None:
    kernel = rig.kernel

    def complete() -> None:
        for _ in range(500):
            puppet.complete(puppet.next(), Status.OK, b"data")

    device = threading.Thread(target=complete)
    device.start()
    submitted = 0
    for number in range(500):
        kernel.submit(2 * number + 1, 0x81, 512)
        kernel.unlink(2 * number + 2, 2 * number + 1)
        if number % 50 == 49:  # the kernel reads all the time; here it must be before the socket is full
            while kernel.asked or kernel.unlinks:
                submitted += kernel.answer().command == RET_SUBMIT
    assert submitted == 500
    device.join()
