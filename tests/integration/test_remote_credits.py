"""What a remote device does not send, or not yet: URBs that no host would stand, and those that wait for credit."""

from __future__ import annotations

import threading

import pytest

from emulator import device_provider
from tests.support.hostile import FIRST, response
from tests.support.peers import remote_device
from tests.support.usb import Waiter, bulk_in, bulk_out, control_urb, iso_urb, start
from wslusb.guest import backlog
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Status
from wslusb.wire.frame import MessageType as M
from wslusb.wire.limits import Limits

INFO = device_provider("loopback").devices()[0]
BAD_URBS = {
    "too large": bulk_in(4097),
    "negative": bulk_in(-1),
    "too many packets": iso_urb([1] * 9),
    "no packets": iso_urb([]),
    "a packet of 65536": iso_urb([65536], data=b""),
    "endpoint 0": bulk_in(endpoint=0x80),
    "endpoint 0x71": bulk_in(endpoint=0xF1),
    "setup of another length": control_urb(Setup(0x80, 6, 0x100, 0, 18)),
}
BAD_URBS["setup of another length"].length = 64


@pytest.mark.parametrize("case", BAD_URBS)
def test_a_urb_that_the_host_would_not_stand_is_not_sent(case: str) -> None:
    device, host, _ = remote_device(INFO, limits=Limits(4096, 8, 8, 1 << 20))
    assert start(device, BAD_URBS[case]).status in (Status.INVALID, Status.NO_MEMORY)
    wrong = bulk_out(b"12345")
    wrong.length = 512
    assert start(device, wrong).status == Status.INVALID
    good = start(device, bulk_in())
    assert host.expect(M.URB_REQUEST).sequence == FIRST
    host.say(M.URB_RESPONSE, response(0, 4, rest=b"data"), FIRST)
    assert (good.status, good.data) == (Status.OK, b"data")
    host.close()
    device.close()


def test_what_has_no_credit_waits_and_goes_in_order() -> None:
    device, host, _ = remote_device(INFO, urbs=2)
    data = [bytes((number,)) * 10 for number in range(6)]
    buffer = bytearray(10)
    waiters: list[Waiter] = []
    for each in data:
        buffer[:] = each
        waiters.append(start(device, bulk_out(memoryview(buffer))))
    for number, each in enumerate(data):
        heard = host.expect(M.URB_REQUEST)
        assert (heard.sequence, heard.payload[36:]) == (FIRST + number, each)
        if number:
            host.say(M.URB_RESPONSE, response(0, 10), FIRST + number - 1)
    host.say(M.URB_RESPONSE, response(0, 10), FIRST + 5)
    assert {waiter.status for waiter in waiters} == {Status.OK}
    host.close()
    device.close()


def test_a_urb_that_waits_for_credit_is_cancelled_here() -> None:
    device, host, _ = remote_device(INFO, urbs=1)
    first, second = bulk_in(), bulk_in()
    waiting = start(device, first), start(device, second)
    device.cancel(second)
    assert waiting[1].status == Status.CANCELLED
    host.close()
    assert waiting[0].status == Status.GONE
    device.close()


def test_no_wakeup_is_lost_with_a_window_of_one() -> None:
    """A response may give the credit back between the look at the credit and the entry in the backlog."""
    device, host, _ = remote_device(INFO, urbs=1)

    def answer() -> None:
        while (heard := host.hear()) is not None and heard.type == M.URB_REQUEST:
            host.say(M.URB_RESPONSE, response(0, 4, rest=b"data"), heard.sequence)

    thread = threading.Thread(target=answer)
    thread.start()
    for _ in range(1500):
        waiters = [start(device, bulk_in()) for _ in range(2)]
        assert [waiter.status for waiter in waiters] == [Status.OK] * 2
    device._link.end()
    thread.join()
    device.close()
    host.close()


def test_too_much_waiting_is_out_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "_SIZE", 1000)
    device, host, _ = remote_device(INFO, urbs=1)
    waiters = [start(device, bulk_in(600)) for _ in range(3)]
    assert waiters[2].status == Status.NO_MEMORY
    host.close()
    assert [waiter.status for waiter in waiters[:2]] == [Status.GONE] * 2
    device.close()
