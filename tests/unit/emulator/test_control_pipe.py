"""emulator.control_pipe, through a device: answers that come later, in order, once, or never."""

from __future__ import annotations

import pytest

from emulator.device import VirtualDevice
from emulator.devices.loopback import loopback_gadget
from emulator.firmware import PASS, Deferred, Firmware, Pass
from wslusb.errors import DeviceError
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Buffer, Completion, Status, Urb

SLOW = Setup(0xC0, 1, 0, 0, 4)
QUICK = Setup(0xC0, 2, 0, 0, 4)


class Slow(Firmware):
    """Answers request 1 when it is told to, and request 2 at once; overrides GET_CONFIGURATION and SET_INTERFACE."""

    def __init__(self) -> None:
        self.pending: list[Deferred] = []
        self.heard: list[bytes] = []

    def control(self, setup: Setup, data: memoryview) -> Buffer | Deferred | None:
        self.heard.append(bytes(data))
        if setup.request == 2:
            return b"quick"
        self.pending.append(Deferred())
        return self.pending[-1]

    def override(self, setup: Setup, data: memoryview) -> Buffer | Deferred | Pass | None:
        if setup.request == 8:
            return b"\x2a"
        return self.control(setup, data) if setup.request == 11 else PASS

    def answer(self, reply: Buffer | None) -> None:
        with self.running():
            self.pending.pop(0).answer(reply)


class Bench:
    def __init__(self) -> None:
        self.firmware = Slow()
        self.device = VirtualDevice(loopback_gadget(), self.firmware)
        self.seen: list[tuple[int, int, bytes]] = []

    def ask(self, sequence: int, setup: Setup, data: Buffer = b"") -> Urb:
        urb = Urb(sequence, 0, 0, setup.length, 2, data, setup)

        def done(completion: Completion) -> None:
            self.seen.append((sequence, completion.status, bytes(completion.data)))

        self.device.submit(urb, done)
        return urb


def test_an_answer_that_comes_later_is_cut_to_what_was_asked_for() -> None:
    bench = Bench()
    bench.ask(1, SLOW)
    assert bench.seen == []
    bench.firmware.answer(b"much too long")
    assert bench.seen == [(1, Status.OK, b"much")]


def test_what_comes_behind_it_waits_and_keeps_its_place() -> None:
    bench = Bench()
    bench.ask(1, SLOW)
    bench.ask(2, QUICK)
    bench.ask(3, SLOW)
    bench.ask(4, QUICK)
    bench.firmware.answer(None)
    assert bench.seen == [(1, Status.STALL, b""), (2, Status.OK, b"quic")]
    bench.firmware.answer(b"")
    assert bench.seen[2:] == [(3, Status.OK, b""), (4, Status.OK, b"quic")]


def test_out_data_belong_to_the_caller_again_while_they_wait() -> None:
    bench = Bench()
    bench.ask(1, SLOW)
    data = bytearray(b"abcd")
    bench.ask(2, Setup(0x40, 2, 0, 0, 4), data)
    data[:] = b"----"
    bench.firmware.answer(b"")
    assert bench.firmware.heard == [b"", b"abcd"]


def test_a_cancelled_request_is_given_back_and_its_answer_goes_nowhere() -> None:
    bench = Bench()
    first = bench.ask(1, SLOW)
    second = bench.ask(2, QUICK)
    bench.ask(3, QUICK)
    bench.device.cancel(second)
    assert bench.seen == [(2, Status.CANCELLED, b"")]
    bench.device.cancel(first)
    assert [sequence for sequence, _, _ in bench.seen] == [2, 1, 3]
    bench.firmware.answer(b"late")
    assert len(bench.seen) == 3


@pytest.mark.parametrize(
    ("leave", "status"), [("unplug", Status.GONE), ("close", Status.CANCELLED), ("reset", Status.CANCELLED)]
)
def test_all_that_waits_is_given_back_when_the_device_leaves(leave: str, status: Status) -> None:
    bench = Bench()
    bench.ask(1, SLOW)
    bench.ask(2, QUICK)
    getattr(bench.device, leave)()
    assert bench.seen == [(1, status, b""), (2, status, b"")]


def test_override_comes_before_chapter_9_and_passes_the_rest_on() -> None:
    bench = Bench()
    bench.ask(1, Setup(0x80, 8, 0, 0, 1))
    bench.ask(2, Setup(0x80, 0, 0, 0, 2))
    assert bench.seen == [(1, Status.OK, b"\x2a"), (2, Status.OK, b"\x01\x00")]


def test_a_blocking_request_of_a_device_that_never_answers_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emulator.device._REQUEST_SECONDS", 0.01)
    bench = Bench()
    with pytest.raises(DeviceError) as caught:
        bench.device.select_interface(0, 1)
    assert caught.value.status == Status.TIMEOUT
    bench.ask(1, QUICK)
    assert bench.seen == [(1, Status.OK, b"quic")]
