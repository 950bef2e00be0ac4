"""emulator.iso: slots on the bus, on a clock that stands until it is moved; babble, cancelling, senseless URBs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from emulator.firmware import IsoHandler
from emulator.frames import Frames
from emulator.iso import IsoPipe
from wslusb.device.clock import VirtualClock
from wslusb.usb.descriptors import Endpoint
from wslusb.usb.ids import Speed
from wslusb.usb.urb import Buffer, Completion, Done, Status, Urb

MILLISECOND = 0.001


class Recorder(IsoHandler):
    """Counts what it is asked for and handed, and when."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.calls: list[tuple[float, int]] = []
        self.heard: list[bytes] = []

    @property
    def packet_count(self) -> int:
        return sum(count for _, count in self.calls)

    def packets(self, lengths: Sequence[int]) -> tuple[Buffer, Sequence[int]]:
        self.calls.append((self.clock.now(), len(lengths)))
        return b"".join(bytes((index,)) * length for index, length in enumerate(lengths)), lengths

    def received(self, data: memoryview, lengths: Sequence[int]) -> None:
        self.calls.append((self.clock.now(), len(lengths)))
        self.heard.append(bytes(data))


class Stream:
    """A pipe on a virtual clock, and its completions. With ``repeat`` each URB is queued anew when it ends."""

    def __init__(
        self, endpoint: Endpoint, speed: Speed = Speed.HIGH, handler: Callable[[VirtualClock], IsoHandler] = Recorder
    ) -> None:
        self.clock = VirtualClock()
        self.handler = handler(self.clock)
        self.completions: list[tuple[float, Completion]] = []
        self._ready: list[Completion] = []
        self.repeat = False
        self.pipe = IsoPipe(endpoint, self._put, Frames(self.clock, self._locked), speed, self.handler)

    @property
    def recorder(self) -> Recorder:
        assert isinstance(self.handler, Recorder)
        return self.handler

    def _put(self, _done: Done, completion: Completion) -> None:
        self._ready.append(completion)

    def _locked(self, action: Callable[[], None]) -> None:
        action()
        self.deliver()

    def deliver(self) -> None:
        while self._ready:
            completion = self._ready.pop(0)
            self.completions.append((self.clock.now(), completion))
            if self.repeat:
                self.pipe.submit(completion.urb, nobody)

    def submit(self, lengths: Sequence[int], data: bytes = b"") -> Urb:
        address = self.pipe.descriptor.address
        urb = Urb(0, address, 1, sum(lengths), 0, data, iso_lengths=lengths)
        self.pipe.submit(urb, nobody)
        self.deliver()
        return urb

    @property
    def times(self) -> list[float]:
        return [round(when / MILLISECOND, 3) for when, _ in self.completions]

    @property
    def statuses(self) -> list[Status]:
        return [Status(each.status) for _, each in self.completions]


def nobody(_completion: Completion) -> None:
    raise AssertionError("pipes put, they do not call")


@pytest.mark.parametrize(
    ("speed", "interval", "packets_a_second"),
    [(Speed.FULL, 1, 1000), (Speed.FULL, 3, 250), (Speed.HIGH, 1, 8000), (Speed.HIGH, 4, 1000), (Speed.SUPER, 1, 8000)],
)
@pytest.mark.parametrize("queued", [1, 4])
def test_ten_seconds_have_exactly_their_packets(
    speed: Speed, interval: int, packets_a_second: int, queued: int
) -> None:
    stream = Stream(Endpoint(0x81, 1, 64, interval), speed)
    stream.repeat = True
    packets = packets_a_second // 125  # 8 ms a URB
    for _ in range(queued):
        stream.submit([10] * packets)
    stream.clock.advance(10)
    assert stream.recorder.packet_count == 10 * packets_a_second
    assert len(stream.completions) == 1250
    assert stream.times == [8 * number for number in range(1, 1251)]
    frames = 1 if speed == Speed.FULL else 8
    assert [each.start_frame for _, each in stream.completions] == [
        8 * number * frames % (2048 * frames) for number in range(1250)
    ]


def test_wake_ups_that_are_late_do_not_move_the_schedule() -> None:
    class Lazy(VirtualClock):
        """Calls everything 0.7 ms late, as a busy machine does."""

        def call_at(self, when: float, action: Callable[[], None]):  # type: ignore[no-untyped-def]
            return super().call_at(when + 0.0007, action)

    stream = Stream(Endpoint(0x81, 1, 64, 1), Speed.HIGH)
    lazy = Lazy()
    stream.clock, stream.recorder.clock = lazy, lazy
    stream.pipe = IsoPipe(stream.pipe.descriptor, stream._put, Frames(lazy, stream._locked), Speed.HIGH, stream.handler)
    stream.repeat = True
    for _ in range(3):
        stream.submit([1] * 8)
    lazy.advance(10.0007)
    assert stream.recorder.packet_count == 80_000
    assert stream.times[-1] == 10_000.7


def test_trap_a_stream_that_ran_dry_for_a_moment_catches_up() -> None:
    stream = Stream(Endpoint(0x81, 1, 64, 1), Speed.FULL)
    stream.submit([1, 1])
    stream.clock.advance(5.5 * MILLISECOND)
    for _ in range(5):
        stream.submit([1])
    stream.clock.advance(2 * MILLISECOND)
    assert stream.times == [2, 5.5, 5.5, 5.5, 6, 7]
    assert [each.start_frame for _, each in stream.completions] == [0, 2, 3, 4, 5, 6]


def test_a_stream_that_paused_starts_anew_with_the_frame_that_is_under_way() -> None:
    stream = Stream(Endpoint(0x81, 1, 64, 1), Speed.FULL)
    stream.submit([1, 1])
    stream.clock.advance(105.5 * MILLISECOND)
    stream.submit([1])
    stream.submit([1])
    stream.clock.advance(2 * MILLISECOND)
    assert stream.times == [2, 106, 107]
    assert [each.start_frame for _, each in stream.completions] == [0, 105, 106]


def test_out_data_are_copied_and_handed_over_when_due() -> None:
    stream = Stream(Endpoint(0x01, 1, 64, 1), Speed.FULL)
    data = bytearray(b"abcdef")
    stream.pipe.submit(Urb(0, 0x01, 1, 6, 0, data, iso_lengths=[2, 1, 2]), nobody)
    data[:] = bytes(6)
    stream.clock.advance(2.9 * MILLISECOND)
    assert stream.recorder.heard == []
    stream.clock.advance(0.2 * MILLISECOND)
    assert stream.recorder.heard == [b"abcde"]
    assert stream.completions[0][1].actual_length == 5


def test_cancelled_in_the_middle_a_urb_keeps_what_its_past_packets_moved() -> None:
    stream = Stream(Endpoint(0x81, 1, 64, 1), Speed.FULL)
    urb = stream.submit([2, 2, 2, 2])
    stream.submit([3])
    stream.clock.advance(2.5 * MILLISECOND)
    stream.pipe.cancel(urb)
    stream.pipe.cancel(urb)
    stream.deliver()
    completion = stream.completions[0][1]
    assert (completion.status, bytes(completion.data)) == (Status.CANCELLED, b"\0\0\1\1")
    assert [result.status for result in completion.iso] == [Status.OK] * 2 + [Status.ISO_NOT_ACCESSED] * 2
    assert completion.error_count == 2
    stream.clock.advance(10 * MILLISECOND)
    assert stream.times == [2.5, 5], "the one behind keeps its slot"
    assert stream.recorder.packet_count == 3


def test_a_urb_that_was_cancelled_before_its_time_frees_its_slots() -> None:
    stream = Stream(Endpoint(0x81, 1, 64, 1), Speed.FULL)
    stream.submit([1])
    stream.pipe.cancel(stream.submit([1] * 100))
    stream.deliver()
    stream.submit([1])
    stream.clock.advance(2 * MILLISECOND)
    assert stream.times == [0, 1, 2]
    assert stream.statuses == [Status.CANCELLED, Status.OK, Status.OK]


def test_a_flush_gives_all_back_in_order_and_the_next_starts_anew() -> None:
    stream = Stream(Endpoint(0x01, 1, 64, 1), Speed.FULL)
    urbs = [stream.submit([1] * 10, bytes(10)) for _ in range(3)]
    stream.clock.advance(12 * MILLISECOND)
    stream.pipe.flush(Status.GONE)
    stream.deliver()
    assert [each.urb for _, each in stream.completions] == urbs
    assert stream.statuses == [Status.OK, Status.GONE, Status.GONE]
    assert [each.actual_length for _, each in stream.completions] == [10, 2, 0]
    stream.submit([1], b"x")
    stream.clock.advance(1 * MILLISECOND)
    assert stream.times == [10, 12, 12, 13]
    stream.clock.advance(1)
    assert len(stream.completions) == 4


def test_a_bug_in_a_handler_is_a_packet_error(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(IsoHandler):
        def __init__(self, _clock: VirtualClock) -> None: ...

        def packets(self, lengths: Sequence[int]) -> tuple[Buffer, Sequence[int]]:
            raise ZeroDivisionError(len(lengths))

    stream = Stream(Endpoint(0x81, 1, 64, 1), Speed.FULL, Broken)
    stream.submit([4, 4])
    stream.clock.advance(1)
    completion = stream.completions[0][1]
    assert [result.status for result in completion.iso] == [Status.PROTOCOL] * 2
    assert (completion.status, completion.error_count, completion.actual_length) == (Status.OK, 2, 0)
    assert "0x81" in caplog.text


@pytest.mark.parametrize(
    ("data", "lengths"), [(b"ab", [2]), (b"abcd", [1, 1, 1, 1]), (b"abc", [1, 1]), (b"a", [1, 1]), (b"", [])]
)
def test_a_handler_whose_lengths_or_data_do_not_fit_the_question_has_failed(data: bytes, lengths: list[int]) -> None:
    class Careless(IsoHandler):
        def __init__(self, _clock: VirtualClock) -> None:
            pass

        def packets(self, lengths_: Sequence[int]) -> tuple[Buffer, Sequence[int]]:  # noqa: ARG002
            return data, lengths

    stream = Stream(Endpoint(0x81, 1, 64, 1), Speed.FULL, Careless)
    stream.submit([4, 4])
    stream.clock.advance(1)
    completion = stream.completions[0][1]
    assert [result.status for result in completion.iso] == [Status.PROTOCOL] * 2
    assert (completion.error_count, completion.actual_length, completion.data) == (2, 0, b"")


@pytest.mark.parametrize("lengths", [[], [1025], [-1], [600, 600]])
def test_senseless_tables_are_refused(lengths: list[int]) -> None:
    stream = Stream(Endpoint(0x83, 1, 1024))
    stream.pipe.submit(Urb(0, 0x83, 1, 1024, iso_lengths=lengths), nobody)
    stream.deliver()
    assert stream.statuses == [Status.INVALID]


def test_packets_that_are_too_long_are_cut() -> None:
    class Babbler(IsoHandler):
        def __init__(self, _clock: VirtualClock) -> None: ...

        def packets(self, lengths: Sequence[int]) -> tuple[Buffer, Sequence[int]]:
            return b"aabbbcc", [2, 3, 2][: len(lengths)]

    stream = Stream(Endpoint(0x83, 1, 8, 1), Speed.HIGH, Babbler)
    stream.pipe.submit(Urb(0, 0x83, 1, 9, iso_lengths=[4, 1, 4]), nobody)
    stream.clock.advance(1)
    completion = stream.completions[0][1]
    assert (completion.status, bytes(completion.data)) == (Status.OK, b"aabcc")
    assert [(each.status, each.actual_length) for each in completion.iso] == [
        (Status.OK, 2), (Status.OVERRUN, 1), (Status.OK, 2),
    ]  # fmt: skip
    assert completion.error_count == 1


COMPANION = bytes((6, 48, 3, 2, 0, 48))


@pytest.mark.parametrize(
    ("speed", "size", "extra", "most"),
    [
        (Speed.FULL, 1023, [], 1023), (Speed.HIGH, 0x1400, [], 3072), (Speed.HIGH, 1024, [], 1024),
        (Speed.SUPER, 1024, [COMPANION], 12 * 1024), (Speed.SUPER, 512, [], 512),
    ],
)  # fmt: skip
def test_what_fits_into_a_packet(speed: Speed, size: int, extra: list[bytes], most: int) -> None:
    stream = Stream(Endpoint(0x83, 1, size, 1, extra=extra), speed)
    stream.submit([most])
    stream.submit([most + 1])
    stream.clock.advance(1)
    assert sorted(stream.statuses) == [Status.OK, Status.INVALID]
