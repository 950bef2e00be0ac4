"""Both in-flight tables and their credits, joined by a wire that keeps order, in every sequence of events."""

from __future__ import annotations

from collections import deque

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from wslusb.errors import PeerError, PeerReason
from wslusb.session.credits import Credits
from wslusb.session.inflight import GuestTable, HostTable
from wslusb.usb.urb import Status, Urb
from wslusb.wire import limits

URBS, SIZE = 4, 1000


class Tables(RuleBasedStateMachine):
    """The guest asks, the device completes, messages arrive late. The rules are those of session/inflight.py."""

    asked = Bundle("asked")

    def __init__(self) -> None:
        super().__init__()
        self.guest_credits, self.host_credits = Credits(URBS, SIZE), Credits(URBS, SIZE)
        self.guest, self.host = GuestTable(self.guest_credits), HostTable(self.host_credits)
        self.to_host: deque[tuple[str, int, int, Urb | None]] = deque()
        self.to_guest: deque[tuple[str, int, int]] = deque()
        self.on_device: dict[int, Urb] = {}
        self.sequence = 0
        self.answered: dict[int, int] = {}
        self.cancelled: set[int] = set()
        self.outcomes: dict[int, bool] = {}
        self.aborts: set[int] = set()
        self.aborted: set[int] = set()

    def number(self) -> int:
        self.sequence += 1
        return self.sequence

    @rule(target=asked, length=st.integers(0, 1200))
    def submit(self, length: int) -> int:
        if not self.guest.room(length):
            assert len(self.guest) >= URBS or self.guest_credits.bytes_used + length > SIZE
            return 0
        sequence = self.number()
        self.guest.begin(sequence, Urb(sequence, 0x81, 2, length))
        self.to_host.append(("urb", sequence, 0, Urb(sequence, 0x81, 2, length)))
        return sequence

    @rule(target_urb=asked)
    def cancel(self, target_urb: int) -> None:
        if self.guest.cancellable(target_urb):
            assert target_urb not in self.cancelled | set(self.answered)
            sequence = self.number()
            self.guest.cancelling(target_urb, sequence)
            self.cancelled.add(target_urb)
            self.to_host.append(("cancel", sequence, target_urb, None))

    @rule()
    def abort(self) -> None:
        if len(self.aborts) >= limits.ABORTS:
            return
        sequence = self.number()
        self.aborts.add(sequence)
        self.to_host.append(("abort", sequence, 0x81, None))

    @rule()
    def host_reads(self) -> None:
        if not self.to_host:
            return
        kind, sequence, target, urb = self.to_host.popleft()
        if urb is not None:
            self.host.begin(urb)
            self.on_device[sequence] = urb
        elif kind == "cancel":
            found = self.host.cancel(target, sequence)
            assert (found is None) == (target not in self.on_device)
            if found is None:
                self.to_guest.append(("lost", sequence, target))
        else:
            urbs = self.host.abort(target, sequence)
            assert urbs == list(self.on_device.values())
            if not urbs:
                self.to_guest.append(("aborted", sequence, 0))

    @rule(which=st.integers(0, 10), won=st.booleans())
    def device_completes(self, which: int, won: bool) -> None:
        if not self.on_device:
            return
        sequence = list(self.on_device)[which % len(self.on_device)]
        urb = self.on_device.pop(sequence)
        status = Status.CANCELLED if won else Status.OK
        answered = self.host.end(urb, status)
        self.to_guest.append(("response", sequence, status))
        if answered is not None:
            for cancel, target, has_won in answered.cancels:
                assert (target, has_won) == (sequence, won)
                self.to_guest.append(("won" if has_won else "lost", cancel, target))
            for abort in answered.aborts:
                self.to_guest.append(("aborted", abort, 0))

    @rule()
    def guest_reads(self) -> None:
        if not self.to_guest:
            return
        kind, sequence, value = self.to_guest.popleft()
        if kind == "response":
            urb = self.guest.find(sequence)
            assert urb.sequence == sequence
            assert sequence not in self.answered, "answered twice"
            self.guest.end(sequence, value)
            self.answered[sequence] = value
        elif kind == "aborted":
            self.aborts.remove(sequence)
            self.aborted.add(sequence)
        else:
            assert value in self.answered, "the cancel's answer overtook the response"
            if kind == "won":
                assert self.answered[value] == Status.CANCELLED
            self.guest.cancelled(sequence, value, kind == "won")
            self.outcomes[value] = kind == "won"

    @rule()
    def lies_are_found(self) -> None:
        with pytest.raises(PeerError) as caught:
            self.guest.find(self.sequence + 1)
        assert caught.value.reason is PeerReason.UNKNOWN_SEQUENCE
        with pytest.raises(PeerError):
            self.guest.cancelled(self.sequence + 1, 1, won=True)

    @invariant()
    def credits_are_within_the_window(self) -> None:
        for table in (self.guest_credits, self.host_credits):
            assert 0 <= table.urbs_used <= URBS
            assert table.bytes_used >= 0
            assert table.bytes_used <= SIZE or table.urbs_used == 1
        assert self.host_credits.urbs_used == len(self.host) == len(self.on_device)
        assert self.guest_credits.urbs_used == len(self.guest) >= len(self.host)
        assert self.host.all() == list(self.on_device.values())

    def teardown(self) -> None:
        """In the end everything has been answered once."""
        while self.to_host or self.on_device or self.to_guest:
            self.host_reads()
            self.device_completes(0, False)
            self.guest_reads()
        assert set(self.outcomes) == self.cancelled
        assert not self.aborts
        assert (len(self.guest), len(self.host)) == (0, 0)
        assert (self.guest_credits.urbs_used, self.guest_credits.bytes_used) == (0, 0)
        assert (self.host_credits.urbs_used, self.host_credits.bytes_used) == (0, 0)
        assert self.guest.abandon() == []
        assert self.guest.oldest_cancel == 0


TestTables = Tables.TestCase
