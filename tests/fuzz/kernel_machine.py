"""A kernel, a relay, and a device in the machine's hands: a stateful machine over every order of URBs and answers.

Each command is answered exactly once and as vhci_rx.c wants it, with all bytes that the device has moved, also those of
a URB that was unlinked; what the relay keeps is what is under way, and no more.
"""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from emulator import device_provider
from tests.fuzz.oracle import HANG_SECONDS, Watch
from tests.support.kernel import ECONNRESET, RET_SUBMIT, RET_UNLINK, Answer, Kernel
from tests.support.usb import PuppetDevice
from tests.support.waiting import until
from wslusb.guest.relay import Relay
from wslusb.transport.stream import Peer, SocketStream
from wslusb.usb.urb import IsoResult, Status, Urb

__all__ = ["KernelMachine"]

_INFO = device_provider("loopback").devices()[0]
_MOST = 30
_STATUSES = (Status.OK, Status.STALL, Status.CANCELLED)
_EPIPE = -32


@dataclass(slots=True, eq=False)
class _Command:
    """A URB of the kernel, and the device's side of it."""

    number: int
    urb: Urb
    packets: list[tuple[int, int]]
    unlink: int = 0


class KernelMachine(RuleBasedStateMachine):
    """Rules are what kernel and device may do, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self._watch = Watch()
        self._watch.__enter__()
        self._watch.begin()
        self.device = PuppetDevice(_INFO)
        self._ours, kernels = socket.socketpair()
        self.kernel = Kernel(kernels)
        self.kernel.sock.settimeout(HANG_SECONDS)
        self.relay = Relay(SocketStream(self._ours, Peer("unix", 0)), self.device, lambda: True)
        self._thread = threading.Thread(target=self.relay.run, name="relay", daemon=True)
        self._thread.start()
        self.waiting: list[_Command] = []
        self.answered: list[int] = []
        self.kinds = set[str]()
        self._number = 0

    def _next(self) -> int:
        self._number += 1
        return self._number

    # -- what the kernel does

    @precondition(lambda self: len(self.waiting) < _MOST)
    @rule(read=st.booleans(), size=st.integers(0, 3000), endpoint=st.sampled_from([1, 5]))
    def submit(self, read: bool, size: int, endpoint: int) -> None:
        data = b"" if read else bytes((self._number + at) & 0xFF for at in range(size))
        self._submitted(endpoint | (0x80 if read else 0), size, data, [])

    @precondition(lambda self: len(self.waiting) < _MOST)
    @rule(read=st.booleans(), sizes=st.lists(st.integers(0, 200), min_size=1, max_size=6), gap=st.integers(0, 9))
    def stream(self, read: bool, sizes: list[int], gap: int) -> None:
        """Isochronous packets, with gaps between them."""
        packets, at = [], 0
        for size in sizes:
            packets.append((at, size))
            at += size + gap
        data = b"" if read else bytes(index & 0xFF for index in range(at))
        self._submitted(0x83 if read else 0x03, at, data, packets)

    @rule(length=st.sampled_from([8, 18, 64]), opening=st.booleans())
    def enumerate(self, length: int, opening: bool) -> None:
        """SET_CONFIGURATION, and what the kernel asks while it resets a port: the device is reset before it hears."""
        resets = self.device.calls.count(("reset", 0, 0))
        if opening:
            self._control(bytes((0, 9, 3, 0, 0, 0, 0, 0)))
        self._control(bytes((0x80, 6, 0, 1, 0, 0, length, 0)))
        if opening:
            expected = resets + (length in (8, 64))
            assert self.device.calls.count(("reset", 0, 0)) == expected, "a port reset and a reset of the device"

    def _control(self, setup: bytes) -> None:
        length = int.from_bytes(setup[6:], "little")
        number = self._next()
        self.kernel.submit(number, setup[0] & 0x80, length, setup=setup)
        urb = self._arrived()
        self.device.complete(urb, Status.OK, bytes(length))
        self._told(self.kernel.answer(), RET_SUBMIT, number, 0, bytes(length))

    def _submitted(self, endpoint: int, length: int, data: bytes, packets: list[tuple[int, int]]) -> None:
        number = self._next()
        interval = 8 if endpoint & 0x7F != 1 else 0
        self.kernel.submit(number, endpoint, length, data, packets=packets, interval=interval)
        urb = self._arrived()
        wanted = b"".join(data[at : at + size] for at, size in packets) if packets else data
        assert (urb.endpoint, bytes(urb.data)) == (endpoint, wanted), "no byte of the kernel is lost"
        assert tuple(urb.iso_lengths) == tuple(size for _, size in packets)
        self.waiting.append(_Command(number, urb, packets))

    def _arrived(self) -> Urb:
        assert self.device.arrived.acquire(timeout=HANG_SECONDS), "a URB of the kernel is lost"
        return list(self.device.waiting)[-1]

    @precondition(lambda self: any(not each.unlink for each in self.waiting))
    @rule(which=st.integers(0, 40))
    def unlink(self, which: int) -> None:
        free = [each for each in self.waiting if not each.unlink]
        command = free[which % len(free)]
        command.unlink = self._next()
        before = len(self.device.cancelled)
        self.kernel.unlink(command.unlink, command.number)
        until(lambda: len(self.device.cancelled) > before, "the device is told", HANG_SECONDS)
        assert self.device.cancelled[-1] is command.urb

    @precondition(lambda self: self.answered)
    @rule(which=st.integers(0, 40))
    def unlink_late(self, which: int) -> None:
        """Of what has been answered: the two have crossed."""
        number = self._next()
        self.kernel.unlink(number, self.answered[which % len(self.answered)])
        self._told(self.kernel.answer(), RET_UNLINK, number, 0)

    # -- what the device does

    @precondition(lambda self: self.waiting)
    @rule(which=st.integers(0, 40), part=st.integers(0, 3000), how=st.sampled_from(_STATUSES), behind=st.booleans())
    def complete(self, which: int, part: int, how: Status, behind: bool) -> None:
        """Any URB: with all, some or none of its bytes. Only one that was unlinked is given back as cancelled."""
        command = self.waiting.pop(which % len(self.waiting))
        urb = command.urb
        if how is Status.CANCELLED and not command.unlink:
            how = Status.OK
        moved = min(part, urb.length) if urb.is_in or how is not Status.OK else urb.length
        iso, moved = self._packets(command, moved) if command.packets else ([], moved)
        data = bytes((command.number + at) & 0xFF for at in range(moved)) if urb.is_in else b""
        self.device.complete(urb, how, data, moved, iso)
        self.answered.append(command.number)
        if command.unlink and how is Status.CANCELLED and not moved:
            self._told(self.kernel.answer(), RET_UNLINK, command.unlink, ECONNRESET)
            return
        status = {Status.OK: 0, Status.STALL: _EPIPE, Status.CANCELLED: ECONNRESET}[how]
        self._told(self.kernel.answer(), RET_SUBMIT, command.number, status, data, moved)
        if command.unlink:
            self._told(self.kernel.answer(), RET_UNLINK, command.unlink, 0)
        elif behind:
            assert self.kernel.silent(), "something was said that nobody asked for"
            self.kernel.sock.settimeout(HANG_SECONDS)

    def _packets(self, command: _Command, left: int) -> tuple[list[IsoResult], int]:
        results = []
        for _, size in command.packets:
            results.append(IsoResult(0, min(size, left)))
            left -= results[-1].actual_length
        return results, sum(each.actual_length for each in results)

    def _told(
        self, answer: Answer, command: int, number: int, status: int, data: bytes = b"", moved: int | None = None
    ) -> None:  # fmt: skip
        self.kinds.add(f"{command} {status} {bool(data)} {bool(answer.packets)}")
        told, due = (answer.command, answer.number, answer.status), (command, number, status)
        assert told == due, f"the kernel is told {told} where {due} is due"
        assert answer.data == data, "no byte of the device is lost"
        assert moved is None or answer.actual == moved, f"{answer.actual} bytes are told, {moved} were moved"

    # -- what holds

    @invariant()
    def nothing_is_kept_that_was_answered(self) -> None:
        relay, waiting = self.relay, self.waiting
        assert sorted(relay._by_sequence) == sorted(each.number for each in waiting), "URBs are kept for ever"
        assert len(relay._submits) == len(waiting)
        assert relay._unlinks == {each.number: each.unlink for each in waiting if each.unlink}

    def teardown(self) -> None:
        while self.waiting:
            self.complete(0, 7, Status.CANCELLED, True)
        self.kernel.sock.close()
        self._thread.join(HANG_SECONDS)
        assert not self._thread.is_alive(), "the relay ends with the kernel"
        self._ours.close()
        self._watch.seen()
        self._watch.no_leaks()
        self._watch.__exit__(None, None, None)
