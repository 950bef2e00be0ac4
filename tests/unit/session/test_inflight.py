"""wslusb.session.inflight: the unlink rule, step by step (tests/property has every order)."""

from __future__ import annotations

import pytest

from tests.support.usb import bulk_in, bulk_out
from wslusb.errors import PeerError, PeerReason
from wslusb.session.credits import Credits
from wslusb.session.inflight import Answered, GuestTable, HostTable
from wslusb.usb.urb import Status


@pytest.fixture
def host() -> HostTable:
    return HostTable(Credits(4, 10_000))


@pytest.fixture
def guest() -> GuestTable:
    return GuestTable(Credits(4, 10_000))


def test_nothing_follows_an_ordinary_response(host: HostTable) -> None:
    urb = bulk_in(sequence=1)
    host.begin(urb)
    assert host.end(urb, Status.OK) is None


@pytest.mark.parametrize(("status", "won"), [(Status.CANCELLED, True), (Status.OK, False), (Status.STALL, False)])
def test_a_cancel_is_answered_after_the_response(host: HostTable, status: int, won: bool) -> None:
    urb = bulk_in(sequence=1)
    host.begin(urb)
    assert host.cancel(1, 2) is urb
    answered = host.end(urb, status)
    assert answered is not None
    assert (answered.cancels, answered.aborts) == ([(2, 1, won)], [])


def test_a_second_cancel_of_the_same_urb(host: HostTable) -> None:
    host.begin(bulk_in(sequence=1))
    host.cancel(1, 2)
    with pytest.raises(PeerError) as caught:
        host.cancel(1, 3)
    assert caught.value.reason is PeerReason.DUPLICATE


def test_a_cancel_that_is_late(host: HostTable) -> None:
    assert host.cancel(1, 2) is None


def test_an_abort_is_answered_after_the_last_urb_of_its_endpoint(host: HostTable) -> None:
    first, second = bulk_in(sequence=1), bulk_in(sequence=2)
    other = bulk_out(b"x", sequence=3)
    for urb in (first, second, other):
        host.begin(urb)
    assert host.abort(0x81, 4) == [first, second]
    assert host.abort(0x85, 5) == []
    assert [host.end(urb, Status.CANCELLED) for urb in (first, other)] == [Answered(), Answered()]
    answered = host.end(second, Status.CANCELLED)
    assert answered is not None
    assert answered.aborts == [4]


def test_credit(host: HostTable) -> None:
    for number in range(4):
        host.begin(bulk_in(sequence=number + 1))
    with pytest.raises(PeerError) as caught:
        host.begin(bulk_in(sequence=5))
    assert caught.value.reason is PeerReason.CREDIT
    assert len(host) == 4


def test_a_urb_larger_than_the_window_goes_alone() -> None:
    window = Credits(4, 100)
    assert window.take(1000)
    assert not window.take(0)
    assert not window.take(1)
    window.give_back(1000)
    assert window.take(60)
    assert window.take(40)
    assert not window.take(1)
    assert (window.urbs_used, window.bytes_used) == (2, 100)


def test_the_guest_finds_what_cannot_be(guest: GuestTable) -> None:
    assert guest.room(512)
    guest.begin(1, bulk_in())
    assert not guest.cancellable(2)
    assert guest.cancellable(1)
    guest.cancelling(1, 2)
    assert (guest.cancellable(1), guest.oldest_cancel) == (False, 2)
    with pytest.raises(PeerError) as caught:
        guest.cancelled(3, 1, won=True)
    assert caught.value.reason is PeerReason.UNKNOWN_SEQUENCE
    guest.end(1, Status.OK)
    with pytest.raises(PeerError) as caught:
        guest.cancelled(2, 1, won=True)
    assert caught.value.reason is PeerReason.BAD_ANSWER


def test_the_guest_abandons(guest: GuestTable) -> None:
    urbs = [bulk_in(), bulk_in()]
    for number, urb in enumerate(urbs):
        guest.room(512)
        guest.begin(number, urb)
    assert guest.abandon() == urbs
    assert guest.abandon() == []
