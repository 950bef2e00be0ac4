"""A host that breaks the protocol on a device's connection: no hang, no lost URB, a typed reason, a clean end."""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable, Iterator

import pytest

from emulator import device_provider
from tests.support.hostile import FIRST, response
from tests.support.peers import HANDLE, Ending, RawPeer, remote_device
from tests.support.usb import bulk_in, bulk_out, iso_urb, start
from wslusb.errors import DeviceError, LocalError, LocalReason, PeerError
from wslusb.errors import PeerReason as Why
from wslusb.guest import remote
from wslusb.guest.remote import RemoteDevice
from wslusb.usb.urb import Status
from wslusb.wire import limits
from wslusb.wire.cancels import CancelAnswer
from wslusb.wire.events import Event, EventKind
from wslusb.wire.frame import MessageType as M
from wslusb.wire.frame import pack_header
from wslusb.wire.messages import AttachAnswer, ErrorMessage, StatusAnswer

INFO = device_provider("loopback").devices()[0]


@pytest.fixture
def attached() -> Iterator[tuple[RemoteDevice, RawPeer, Ending]]:
    device, host, ending = remote_device(INFO)
    yield device, host, ending
    host.close()
    device.close()
    assert ending.happened.is_set()


def results(*lengths: int) -> bytes:
    return b"".join(struct.pack("<II", 0, length) for length in lengths)


READ = (bulk_in,)
LIES: dict[str, tuple[Callable[[], object], bytes, Why]] = {
    "more than was asked": (lambda: bulk_in(512), response(0, 513, rest=bytes(513)), Why.BAD_ANSWER),
    "4 GiB": (lambda: bulk_in(512), response(0, 0xFFFFFFFF), Why.BAD_ANSWER),
    "a length of -5": (lambda: bulk_in(512), response(0, -5 & 0xFFFFFFFF), Why.BAD_ANSWER),
    "more written than sent": (lambda: bulk_out(b"abc"), response(0, 100000), Why.BAD_ANSWER),
    "less data than announced": (lambda: bulk_in(512), response(0, 512, rest=bytes(511)), Why.BAD_ANSWER),
    "more data than announced": (lambda: bulk_in(512), response(0, 5, rest=bytes(6)), Why.BAD_ANSWER),
    "data for a write": (lambda: bulk_out(b"abc"), response(0, 3, rest=b"abc"), Why.BAD_ANSWER),
    "iso results for a bulk": (lambda: bulk_in(512), response(count=1, rest=results(0)), Why.BAD_ANSWER),
    "no iso results": (lambda: iso_urb([8, 8]), response(), Why.BAD_ANSWER),
    "too few iso results": (lambda: iso_urb([8, 8]), response(count=1, rest=results(0)), Why.BAD_ANSWER),
    "too many iso results": (lambda: iso_urb([8]), response(count=2, rest=results(0, 0)), Why.BAD_ANSWER),
    "4 G iso results": (lambda: iso_urb([8]), response(count=0xFFFFFFFF), Why.BAD_ANSWER),
    "an iso packet that is too long": (
        lambda: iso_urb([8, 8]), response(0, 9, count=2, rest=results(9, 0) + bytes(9)), Why.BAD_ANSWER,
    ),
    "iso packets that do not add up": (
        lambda: iso_urb([8, 8]), response(0, 9, count=2, rest=results(4, 4) + bytes(9)), Why.BAD_ANSWER,
    ),
    "more errors than packets": (
        lambda: iso_urb([8]), response(errors=2, count=1, rest=results(0)), Why.BAD_ANSWER,
    ),
    "empty": (lambda: bulk_in(512), b"", Why.TRUNCATED),
    "19 bytes": (lambda: bulk_in(512), response()[:19], Why.TRUNCATED),
}  # fmt: skip


@pytest.mark.parametrize("case", LIES)
def test_answers_that_cannot_be(attached: tuple[RemoteDevice, RawPeer, Ending], case: str) -> None:
    device, host, ending = attached
    make, payload, why = LIES[case]
    waiters = [start(device, make()), start(device, bulk_in())]  # type: ignore[arg-type]
    for _ in waiters:
        host.expect(M.URB_REQUEST)
    host.say(M.URB_RESPONSE, payload, FIRST)
    assert host.verdict() is why
    assert [waiter.status for waiter in waiters] == [Status.GONE] * 2
    assert all(not waiter.data for waiter in waiters)
    reason = ending.reason()
    assert isinstance(reason, PeerError)
    assert reason.reason is why


MISDEEDS: dict[str, tuple[Callable[[RawPeer], object], Why]] = {
    "response to nothing": (lambda h: h.say(M.URB_RESPONSE, response(), 99), Why.UNKNOWN_SEQUENCE),
    "response numbered 0": (lambda h: h.say(M.URB_RESPONSE, response(), 0), Why.UNKNOWN_SEQUENCE),
    "answered twice": (
        lambda h: (h.say(M.URB_RESPONSE, response(), FIRST), h.say(M.URB_RESPONSE, response(), FIRST)),
        Why.UNKNOWN_SEQUENCE,
    ),
    "wrong handle": (lambda h: h.say(M.URB_RESPONSE, response(), FIRST, HANDLE + 1), Why.BAD_HANDLE),
    "cancel answer that nobody asked for": (
        lambda h: h.say(M.CANCEL, CancelAnswer(FIRST, True).pack(), FIRST + 1),
        Why.UNKNOWN_SEQUENCE,
    ),
    "cancel answer under the URB's number": (
        lambda h: h.say(M.CANCEL, CancelAnswer(FIRST, True).pack(), FIRST),
        Why.UNKNOWN_SEQUENCE,
    ),
    "reset that nobody asked for": (lambda h: h.say(M.RESET, StatusAnswer(0).pack(), FIRST), Why.UNKNOWN_SEQUENCE),
    "detach that nobody asked for": (lambda h: h.say(M.DETACH, StatusAnswer(0).pack(), 9), Why.UNKNOWN_SEQUENCE),
    "urb request": (lambda h: h.urb(bulk_in(), 1), Why.BAD_STATE),
    "event": (lambda h: h.say(M.EVENT, Event(EventKind.LEFT, "9-1").pack(), 0, 0), Why.BAD_STATE),
    "attach answer again": (lambda h: h.say(M.ATTACH, AttachAnswer(1).pack(), 2, 0), Why.BAD_STATE),
    "hello again": (lambda h: h.say(M.HELLO, b"", 1, 0), Why.BAD_STATE),
    "unknown type": (lambda h: h.say(0x42, b"", 0), Why.UNKNOWN_TYPE),
    "announces 4 GiB": (lambda h: h.raw(pack_header(M.URB_RESPONSE, 0xFFFFFFFF, FIRST, HANDLE)), Why.OVERSIZED),
    "pong that nobody asked for": (lambda h: h.say(M.PONG, b"", 1, 0), Why.UNKNOWN_SEQUENCE),
    "ping out of order": (lambda h: h.say(M.PING, b"", 9, 0), Why.OUT_OF_ORDER),
    "half a frame": (lambda h: (h.raw(b"\5\0\0"), h.stop_writing()), Why.TRUNCATED),
    "junk": (lambda h: h.raw(b"USBIP, perhaps? No: junk of some length."), Why.OVERSIZED),
}  # fmt: skip


@pytest.mark.parametrize("case", MISDEEDS)
def test_misdeeds(attached: tuple[RemoteDevice, RawPeer, Ending], case: str) -> None:
    device, host, ending = attached
    act, why = MISDEEDS[case]
    waiters = [start(device, bulk_in()), start(device, bulk_in())]
    for _ in waiters:
        host.expect(M.URB_REQUEST)
    act(host)
    assert host.verdict() is why
    assert {waiter.status for waiter in waiters} <= {Status.GONE, Status.OK}
    assert isinstance(ending.reason(), PeerError)
    assert start(device, bulk_in()).status == Status.GONE
    with pytest.raises(DeviceError):
        device.reset()


def test_cancel_answered_before_the_response(attached: tuple[RemoteDevice, RawPeer, Ending]) -> None:
    device, host, _ = attached
    urb = bulk_in()
    waiter = start(device, urb)
    device.cancel(urb)
    host.expect(M.URB_REQUEST)
    cancel = host.expect(M.CANCEL)
    host.say(M.CANCEL, CancelAnswer(FIRST, True).pack(), cancel.sequence)
    assert host.verdict() is Why.OUT_OF_ORDER
    assert waiter.status == Status.GONE


def test_cancel_answer_contradicts_the_response(attached: tuple[RemoteDevice, RawPeer, Ending]) -> None:
    device, host, _ = attached
    urb = bulk_in()
    waiter = start(device, urb)
    device.cancel(urb)
    host.expect(M.URB_REQUEST)
    cancel = host.expect(M.CANCEL)
    host.say(M.URB_RESPONSE, response(), FIRST)
    host.say(M.CANCEL, CancelAnswer(FIRST, True).pack(), cancel.sequence)
    assert host.verdict() is Why.BAD_ANSWER
    assert waiter.status == Status.OK


def test_a_cancel_that_comes_after_the_urb_was_given_back(attached: tuple[RemoteDevice, RawPeer, Ending]) -> None:
    """As by SET_INTERFACE or a reset: the response says cancelled, and the cancel has lost all the same."""
    device, host, _ = attached
    urb = bulk_in()
    waiter = start(device, urb)
    device.cancel(urb)
    host.expect(M.URB_REQUEST)
    cancel = host.expect(M.CANCEL)
    host.say(M.URB_RESPONSE, response(Status.CANCELLED), FIRST)
    host.say(M.CANCEL, CancelAnswer(FIRST, False).pack(), cancel.sequence)
    assert waiter.status == Status.CANCELLED
    again = start(device, bulk_in())
    host.say(M.URB_RESPONSE, response(), host.expect(M.URB_REQUEST).sequence)
    assert again.status == Status.OK


def test_a_cancel_that_is_never_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The host lives and answers other things. A reader in the guest's kernel would wait for ever."""
    monkeypatch.setattr(remote, "_CANCEL_SECONDS", 0.1)
    device, host, ending = remote_device(INFO)
    urb = bulk_in()
    waiter = start(device, urb)
    device.cancel(urb)
    device.cancel(urb)
    host.expect(M.URB_REQUEST)
    host.expect(M.CANCEL)
    number = host.say(M.PING, b"", 1, 0)
    assert host.expect(M.PONG).sequence == number
    assert host.verdict() is Why.TIMEOUT
    assert waiter.status == Status.GONE
    assert isinstance(ending.reason(), PeerError)
    device.close()
    host.close()


def test_more_cancels_than_may_be_unanswered(monkeypatch: pytest.MonkeyPatch) -> None:
    """``cancel`` does not raise: it ends the connection."""
    monkeypatch.setattr(limits, "PENDING_REQUESTS", 16)
    device, host, ending = remote_device(INFO, urbs=limits.DEVICE_URBS)
    reader = threading.Thread(target=host.verdict)
    reader.start()
    urbs = [bulk_in() for _ in range(limits.PENDING_REQUESTS + 1)]
    waiters = [start(device, urb) for urb in urbs]
    for urb in urbs:
        device.cancel(urb)
    assert {waiter.status for waiter in waiters} == {Status.GONE}
    assert isinstance(ending.reason(), PeerError)
    reader.join()
    device.close()
    host.close()


def test_a_host_that_is_silent_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PING_SECONDS", 0.05)
    device, host, ending = remote_device(INFO)
    waiter = start(device, bulk_in())
    assert waiter.status == Status.GONE
    reason = ending.reason()
    assert isinstance(reason, PeerError)
    assert reason.reason is Why.TIMEOUT
    device.close()
    host.close()


def test_a_host_that_does_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    device, host, ending = remote_device(INFO, urbs=1000, size=1 << 30)
    device._link.stream.set_send_timeout(0.2)
    waiters = [start(device, bulk_out(bytes(1 << 20))) for _ in range(8)]
    assert {waiter.status for waiter in waiters} == {Status.GONE}
    assert isinstance(ending.reason(), LocalError)
    device.close()
    host.close()


def test_the_words_of_an_error_frame_are_the_reason(attached: tuple[RemoteDevice, RawPeer, Ending]) -> None:
    _, host, ending = attached
    host.say(M.ERROR, ErrorMessage(Why.CREDIT, "too much").pack(), 0, 0)
    reason = ending.reason()
    assert isinstance(reason, LocalError)
    assert (reason.reason, "too much" in str(reason)) == (LocalReason.REFUSED, True)


def test_the_end_of_the_connection_has_a_reason(attached: tuple[RemoteDevice, RawPeer, Ending]) -> None:
    device, host, ending = attached
    waiter = start(device, bulk_in())
    host.close()
    assert waiter.status == Status.GONE
    reason = ending.reason()
    assert isinstance(reason, LocalError)
    assert reason.reason is LocalReason.DISCONNECTED


def test_close_has_none_and_does_not_need_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_DETACH_SECONDS", 0.1)
    device, host, ending = remote_device(INFO)
    waiter = start(device, bulk_in())
    device.close()
    assert waiter.status == Status.GONE
    assert ending.reason() is None
    device.close()
    host.close()


def test_a_request_that_is_never_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_CONTROL_SECONDS", 0.05)
    monkeypatch.setattr(remote, "_DETACH_SECONDS", 0.05)
    device, host, _ = remote_device(INFO)
    with pytest.raises(DeviceError):
        device.reset()
    with pytest.raises(DeviceError) as caught:
        device.clear_halt(0x81)
    assert caught.value.status == Status.TIMEOUT
    device.close()
    host.close()


def test_an_exception_in_done_hurts_nobody_else(attached: tuple[RemoteDevice, RawPeer, Ending]) -> None:
    device, host, _ = attached

    def done(_completion: object) -> None:
        raise RuntimeError("a driver with a bug")

    device.submit(bulk_in(), done)
    device.submit(bulk_in(), done)
    good = start(device, bulk_in())
    for number in (0, 2):
        host.say(M.URB_RESPONSE, response(), FIRST + number)
    assert good.status == Status.OK


def test_nobody_waits_for_an_answer_that_came_and_could_not_be_read(
    attached: tuple[RemoteDevice, RawPeer, Ending],
) -> None:
    """Found by fuzzing: the caller was forgotten before the answer was read, and waited for all of its time."""
    device, host, ending = attached
    asking = threading.Thread(target=device.close)
    asking.start()
    asked = host.expect(M.DETACH)
    host.say(M.DETACH, StatusAnswer(0).pack() + b"more", asked.sequence)
    asking.join(1)
    assert not asking.is_alive()
    reason = ending.reason()
    assert isinstance(reason, PeerError)
    assert reason.reason is Why.MALFORMED
