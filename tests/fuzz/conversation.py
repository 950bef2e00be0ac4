"""A whole conversation as a stateful machine: a guest's RemoteDevice, a live service, a device in the machine's hands.

Every URB is answered exactly once, an endpoint's URBs in their order, with all bytes of the device; credits are never
negative, never more than granted, and all back in the end; threads and what is kept are bounded.
"""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from emulator import device_provider
from tests.fuzz.oracle import HANG_SECONDS, Watch
from tests.support.usb import PuppetDevice, Waiter, bulk_in, bulk_out
from tests.support.waiting import until
from wslusb.device.api import Device, Watcher
from wslusb.guest.client import HostClient
from wslusb.guest.remote import RemoteDevice
from wslusb.host.bindings import Bindings
from wslusb.host.catalog import Catalog
from wslusb.host.service import Service
from wslusb.transport import sockets
from wslusb.transport.address import UnixAddress
from wslusb.usb.info import DeviceInfo
from wslusb.usb.urb import Completion, Status, Urb
from wslusb.wire import limits

__all__ = ["Conversation"]

URBS, BYTES = 4, 1200
_THREADS = 8
"""A service, two connections with a thread at each end, the threads for credit and for cancels."""


class _Provider:
    """One device in the machine's hands, plugged in or not."""

    name = "puppets"

    def __init__(self) -> None:
        self.info = device_provider("loopback").devices()[0]
        self.plugged = True
        self.device = PuppetDevice(self.info)
        self._changed: Watcher = lambda: None

    def devices(self) -> list[DeviceInfo]:
        return [self.info] if self.plugged else []

    def open(self, info: DeviceInfo) -> Device:
        self.device = PuppetDevice(info)
        return self.device

    def watch(self, changed: Watcher) -> None:
        self._changed = changed

    def plug(self, *, into: bool) -> None:
        self.plugged = into
        self._changed()

    def close(self) -> None:
        self._changed = lambda: None


class Asked(Waiter):
    """A URB of the guest, and what the device had for it."""

    def __init__(self, urb: Urb, order: list[Asked]) -> None:
        super().__init__()
        self.urb = urb
        self.given: bytes | None = None
        self.cancelled = False
        self._order = order

    def __call__(self, completion: Completion) -> None:
        self._order.append(self)
        super().__call__(completion)

    def wait(self) -> Completion:
        """As of any waiter, but not for longer than anything may take here."""
        assert self.finished.wait(HANG_SECONDS), "it is never answered"
        return super().wait()


class Conversation(RuleBasedStateMachine):
    """Rules are what guest, device and user may do, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self._grant, limits.DEVICE_URBS = limits.DEVICE_URBS, URBS
        self._watch = Watch()
        self._watch.__enter__()
        self._watch.begin()
        self._threads = threading.active_count()
        self._folder = tempfile.TemporaryDirectory(prefix="wslusb-")
        folder = Path(self._folder.name)
        self.provider = _Provider()
        address = UnixAddress(str(folder / "s"))
        catalog = Catalog([self.provider], Bindings(folder / "bindings.json"))
        self.service = Service(catalog, [sockets.listen(address)])
        self.service.start()
        self.service.bind("9-1")
        self.client = HostClient(address)
        self.asked: list[Asked] = []
        self.answered: list[Asked] = []
        self.kinds = set[str]()
        """Ways in which URBs were answered."""
        self.device: RemoteDevice | None = None
        self.connect()

    # -- what the guest does

    @precondition(lambda self: self.device is None and self.provider.plugged)
    @rule()
    def connect(self) -> None:
        until(lambda: not self.service.catalog.claims(), "the device is free")
        self.device = self.client.open(self.provider.info)
        # The smaller of both sides' limits holds.
        credit = self.device._table._credits
        credit.urbs, credit.size = URBS, BYTES
        self.asked, self.answered = [], []

    @precondition(lambda self: self.device is not None and len(self.asked) < 40)
    @rule(read=st.booleans(), size=st.integers(0, 600))
    def submit(self, read: bool, size: int) -> None:
        assert self.device is not None
        data = bytes((len(self.asked) + at) & 0xFF for at in range(size))
        urb = bulk_in(size) if read else bulk_out(data)
        asked = Asked(urb, self.answered)
        self.asked.append(asked)
        self.device.submit(urb, asked)
        self.settle()

    @precondition(lambda self: self.device is not None and self.waiting())
    @rule(which=st.integers(0, 40))
    def cancel(self, which: int) -> None:
        assert self.device is not None
        asked = self.waiting()[which % len(self.waiting())]
        asked.cancelled = True
        self.device.cancel(asked.urb)
        self.settle()

    @precondition(lambda self: self.device is not None)
    @rule()
    def reset(self) -> None:
        assert self.device is not None
        before = len(self.provider.device.calls)
        self.device.reset()
        assert self.provider.device.calls[before:] == [("reset", 0, 0)]

    @precondition(lambda self: self.device is not None)
    @rule()
    def disconnect(self) -> None:
        assert self.device is not None
        self.device.close()
        self.over()

    # -- what the device and its user do

    @precondition(lambda self: self.device is not None and self.provider.device.waiting)
    @rule(which=st.integers(0, 40), part=st.integers(0, 600), given_back=st.booleans())
    def complete(self, which: int, part: int, given_back: bool) -> None:
        """The oldest of an endpoint; one that has been cancelled may be given back instead, with what it had moved."""
        puppet = self.provider.device
        heads: dict[int, Urb] = {}
        for urb in list(puppet.waiting):
            heads.setdefault(urb.endpoint, urb)
        urb = list(heads.values())[which % len(heads)]
        asked = self.in_flight(urb)
        actual = min(part, urb.length) if urb.is_in else urb.length
        asked.given = bytes((part + at) & 0xFF for at in range(actual)) if urb.is_in else bytes(urb.data)
        cancelled = given_back and urb in puppet.cancelled
        puppet.complete(
            urb, Status.CANCELLED if cancelled else Status.OK, asked.given if urb.is_in else b"", actual
        )  # fmt: skip
        completion = asked.wait()
        assert completion.status == (Status.CANCELLED if cancelled else Status.OK)
        assert completion.actual_length == actual, "no byte is lost"
        assert asked.data == (asked.given if urb.is_in else b"")
        self.settle()

    @precondition(lambda self: self.provider.plugged)
    @rule()
    def unplug(self) -> None:
        self.provider.plug(into=False)
        if self.device is not None:
            until(lambda: self.device is None or self.device.ended, "the guest knows")
            self.device.close()
            self.over()

    @precondition(lambda self: not self.provider.plugged)
    @rule()
    def plug(self) -> None:
        self.provider.plug(into=True)

    # -- what holds

    def waiting(self) -> list[Asked]:
        """What has not been answered yet, in its order."""
        return [asked for asked in self.asked if not asked.completions]

    def in_flight(self, urb: Urb) -> Asked:
        """The guest's side of a URB that the device has: those of an endpoint arrive in their order."""
        same = [asked for asked in self.waiting() if asked.urb.endpoint == urb.endpoint]
        return same[[each for each in self.provider.device.waiting if each.endpoint == urb.endpoint].index(urb)]

    def granted(self) -> int:
        """How many of those that wait there is credit for: one may always go, whatever its size."""
        waiting, size = self.waiting()[:URBS], 0
        for number, asked in enumerate(waiting):
            size += asked.urb.length
            if number and size > BYTES:
                return number
        return len(waiting)

    def being_cancelled(self) -> int:
        """How many of those on the device have been cancelled."""
        return len(set(map(id, self.provider.device.cancelled)) & set(map(id, self.provider.device.waiting)))

    def settle(self) -> None:
        """The device has as many as there is credit for, the oldest ones; all cancels are answered but theirs."""
        device, puppet, expected = self.device, self.provider.device, self.granted()
        assert device is not None
        table = device._table
        until(
            lambda: device.ended or (len(puppet.waiting) == expected and len(table._cancels) == self.being_cancelled()),
            f"{expected} URBs are on the device, and cancels are answered", HANG_SECONDS,
        )  # fmt: skip
        assert not device.ended, f"the session has ended: {device._reason}"
        for theirs, ours in zip(list(self.provider.device.waiting), self.waiting(), strict=False):
            same = (theirs.endpoint, theirs.length) == (ours.urb.endpoint, ours.urb.length)
            assert same, "URBs come to the device in another order"
            assert theirs.is_in or theirs.data == ours.urb.data, "no byte is lost"

    def over(self) -> None:
        """The connection has ended: all was answered once, and all credit is back."""
        assert self.device is not None
        for asked in self.asked:
            self.kinds.add(f"{asked.urb.is_in} {asked.cancelled} {asked.wait().status:#x}")
        assert sorted(map(id, self.answered)) == sorted(map(id, self.asked))
        assert len(self.device._table) == 0
        assert not self.device._dones
        assert not self.device._queue
        self.device = None
        until(lambda: not self.service.catalog.claims(), "the device is given back")
        assert not self.provider.device.waiting

    @invariant()
    def credits_and_threads_are_bounded(self) -> None:
        assert threading.active_count() <= self._threads + _THREADS
        assert len(self.provider.device.waiting) <= URBS, "the device has more than was granted"
        if self.device is not None:
            credit = self.device._table._credits
            assert 0 <= credit.urbs_used <= URBS, f"{credit.urbs_used} URBs are under way, {URBS} are granted"
            assert credit.bytes_used >= 0, "credit below nothing"
            backlog = self.device._backlog
            assert backlog._size == sum(urb.length for urb, _ in backlog.queue), "what is kept is what is counted"
            assert len(self.device._dones) == len(self.device._sequences) == len(self.device._table) <= URBS

    def teardown(self) -> None:
        if self.device is not None:
            while self.provider.device.waiting:
                self.complete(0, 7, True)
            credit = self.device._table._credits
            until(lambda: (credit.urbs_used, credit.bytes_used) == (0, 0), "all credit is back", 2)
            for endpoint in (0x81, 0x01):
                order = [a for a in self.answered if a.urb.endpoint == endpoint and not a.cancelled]
                assert order == [a for a in self.asked if a.urb.endpoint == endpoint and not a.cancelled]
            self.disconnect()
        self.client.close()
        self.service.close()
        self._folder.cleanup()
        limits.DEVICE_URBS = self._grant
        self._watch.seen()
        self._watch.no_leaks()
        self._watch.__exit__(None, None, None)
