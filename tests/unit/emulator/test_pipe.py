"""emulator.pipe: packets between a handler and URBs: short, zero-length, too long, not taken."""

from __future__ import annotations

import pytest

from emulator.firmware import InHandler, OutHandler
from emulator.pipe import InPipe, OutPipe
from wslusb.usb.descriptors import Endpoint
from wslusb.usb.urb import Completion, Done, Status, Urb, UrbFlag

Result = tuple[Status, bytes]


class Results(list[Completion]):
    """Where completions end up: a ``Put``."""

    def put(self, _done: Done, completion: Completion) -> None:
        self.append(completion)

    @property
    def seen(self) -> list[Result]:
        return [(Status(each.status), bytes(each.data)) for each in self]


@pytest.fixture
def results() -> Results:
    return Results()


def nobody(_completion: Completion) -> None:
    raise AssertionError("pipes put, they do not call")


def in_pipe(results: Results, handler: InHandler | None = None) -> InPipe:
    return InPipe(Endpoint(0x81, 2, 8), results.put, handler)


def test_in_waits_for_data_and_ends_at_a_short_packet(results: Results) -> None:
    pipe = in_pipe(results)
    pipe.submit(Urb(0, 0x81, 2, 64, UrbFlag.SHORT_OK), nobody)
    pipe.send(b"12345678")
    assert not results
    pipe.send(b"abc")
    assert results.seen == [(Status.OK, b"12345678abc")]


def test_in_ends_when_full_and_the_rest_is_for_the_next(results: Results) -> None:
    pipe = in_pipe(results)
    pipe.send(b"0123456789abcdef!")
    for _ in range(3):
        pipe.submit(Urb(0, 0x81, 2, 8, UrbFlag.SHORT_OK), nobody)
    assert results.seen == [(Status.OK, b"01234567"), (Status.OK, b"89abcdef"), (Status.OK, b"!")]
    assert pipe.queued == 0


@pytest.mark.parametrize(("flags", "status"), [(UrbFlag.SHORT_OK, Status.OK), (0, Status.SHORT)])
def test_short_ok(results: Results, flags: int, status: Status) -> None:
    pipe = in_pipe(results)
    pipe.send(b"abc")
    pipe.submit(Urb(0, 0x81, 2, 8, flags), nobody)
    assert results.seen == [(status, b"abc")]


def test_exactly_full_is_not_short(results: Results) -> None:
    pipe = in_pipe(results)
    pipe.send(b"abc")
    pipe.submit(Urb(0, 0x81, 2, 3), nobody)
    assert results.seen == [(Status.OK, b"abc")]


def test_zero_length_packet_after_a_full_urb_is_for_the_next(results: Results) -> None:
    pipe = in_pipe(results)
    pipe.send(b"12345678", end=True)
    for length in (8, 8):
        pipe.submit(Urb(0, 0x81, 2, length, UrbFlag.SHORT_OK), nobody)
    assert results.seen == [(Status.OK, b"12345678"), (Status.OK, b"")]


def test_zero_length_packet_ends_a_longer_urb(results: Results) -> None:
    pipe = in_pipe(results)
    pipe.send(b"12345678", end=True)
    pipe.submit(Urb(0, 0x81, 2, 9, UrbFlag.SHORT_OK), nobody)
    assert results.seen == [(Status.OK, b"12345678")]


def test_packet_that_does_not_fit_is_overrun_and_sent_again(results: Results) -> None:
    pipe = in_pipe(results)
    pipe.send(b"12345678abcdefgh")
    for length in (10, 0, 8):
        pipe.submit(Urb(0, 0x81, 2, length, UrbFlag.SHORT_OK), nobody)
    assert results.seen == [(Status.OVERRUN, b"12345678"), (Status.OVERRUN, b""), (Status.OK, b"abcdefgh")]


def test_stall_comes_after_what_was_sent_before_it(results: Results) -> None:
    pipe = in_pipe(results)
    pipe.send(b"12345678")
    pipe.halt_after()
    pipe.send(b"status")
    for _ in range(2):
        pipe.submit(Urb(0, 0x81, 2, 16, UrbFlag.SHORT_OK), nobody)
    assert results.seen == [(Status.STALL, b"12345678"), (Status.STALL, b"")]
    pipe.clear_halt()
    pipe.submit(Urb(0, 0x81, 2, 16, UrbFlag.SHORT_OK), nobody)
    assert results.seen[2:] == [(Status.OK, b"status")]


def test_stall_is_seen_as_soon_as_what_was_sent_before_it_is_taken(results: Results) -> None:
    pipe = in_pipe(results)
    pipe.send(b"abc")
    pipe.halt_after()
    assert not pipe.halted
    pipe.submit(Urb(0, 0x81, 2, 8, UrbFlag.SHORT_OK), nobody)
    assert (results.seen, pipe.halted) == ([(Status.OK, b"abc")], True)


def test_a_bug_in_drained_halts_the_endpoint(results: Results, caplog: pytest.LogCaptureFixture) -> None:
    class Handler(InHandler):
        def drained(self) -> None:
            raise ZeroDivisionError

    pipe = in_pipe(results, Handler())
    pipe.send(b"abc")
    pipe.submit(Urb(0, 0x81, 2, 8, UrbFlag.SHORT_OK), nobody)
    assert (results.seen, pipe.halted) == ([(Status.OK, b"abc")], True)
    assert "0x81" in caplog.text


def test_drained_is_told_once(results: Results) -> None:
    class Handler(InHandler):
        told = 0

        def drained(self) -> None:
            self.told += 1

    handler = Handler()
    pipe = in_pipe(results, handler)
    pipe.submit(Urb(0, 0x81, 2, 8, UrbFlag.SHORT_OK), nobody)
    assert handler.told == 0
    pipe.send(b"abc")
    assert handler.told == 1


def test_what_is_sent_when_all_is_gone_reaches_the_urbs_that_wait(results: Results) -> None:
    class Handler(InHandler):
        left = 3

        def drained(self) -> None:
            self.left -= 1
            if self.left:
                self.pipe.send(b"more")

    pipe = in_pipe(results, Handler())
    for _ in range(4):
        pipe.submit(Urb(0, 0x81, 2, 8, UrbFlag.SHORT_OK), nobody)
    pipe.send(b"first")
    assert [data for _, data in results.seen] == [b"first", b"more", b"more"]


def test_cancel_keeps_what_was_moved(results: Results) -> None:
    pipe = in_pipe(results)
    urb = Urb(0, 0x81, 2, 64)
    pipe.submit(urb, nobody)
    pipe.submit(Urb(0, 0x81, 2, 8, UrbFlag.SHORT_OK), nobody)
    pipe.send(b"12345678")
    pipe.cancel(urb)
    pipe.cancel(urb)
    pipe.send(b"next")
    assert results.seen == [(Status.CANCELLED, b"12345678"), (Status.OK, b"next")]


def test_a_bug_in_a_handler_halts_the_endpoint(results: Results, caplog: pytest.LogCaptureFixture) -> None:
    class Handler(InHandler):
        def wanted(self, room: int) -> None:
            raise ZeroDivisionError(room)

    in_pipe(results, Handler()).submit(Urb(0, 0x81, 2, 8), nobody)
    assert results.seen == [(Status.STALL, b"")]
    assert "0x81" in caplog.text


class Eater(OutHandler):
    """Takes what it has appetite for."""

    def __init__(self, appetite: int | None) -> None:
        self.appetite = appetite
        self.eaten: list[tuple[bytes, bool]] = []
        self.halts = False

    def received(self, data: memoryview, end: bool) -> int | None:
        if self.appetite is None:
            return None
        taken = min(self.appetite, len(data))
        self.eaten.append((bytes(data[:taken]), end))
        if self.halts:
            self.pipe.halt()
        return taken


@pytest.mark.parametrize(
    ("data", "flags", "end"),
    [(b"", 0, True), (b"abc", 0, True), (b"12345678", 0, False), (b"12345678", UrbFlag.ZERO_PACKET, True)],
)
def test_out_tells_where_a_transfer_ends(results: Results, data: bytes, flags: int, end: bool) -> None:
    eater = Eater(100)
    OutPipe(Endpoint(1, 2, 8), results.put, eater).submit(Urb(0, 1, 2, len(data), flags, data), nobody)
    assert eater.eaten == [(data, end)]
    assert (results[0].status, results[0].actual_length) == (Status.OK, len(data))


def test_out_data_that_is_not_taken_is_copied_and_offered_again(results: Results) -> None:
    eater, data = Eater(8), bytearray(b"12345678abcdefghXYZ")
    pipe = OutPipe(Endpoint(1, 2, 8), results.put, eater)
    pipe.submit(Urb(0, 1, 2, len(data), 0, data), nobody)
    data[:] = bytes(len(data))
    eater.appetite = None
    pipe.submit(Urb(0, 1, 2, 0), nobody)
    pipe.resume()
    assert not results
    eater.appetite = 100
    pipe.resume()
    assert eater.eaten == [(b"12345678", True), (b"abcdefghXYZ", True), (b"", True)]
    assert [(each.status, each.actual_length) for each in results] == [(Status.OK, 19), (Status.OK, 0)]


def test_out_halt_counts_what_was_taken(results: Results) -> None:
    eater = Eater(8)
    eater.halts = True
    pipe = OutPipe(Endpoint(1, 2, 8), results.put, eater)
    for _ in range(2):
        pipe.submit(Urb(0, 1, 2, 16, 0, bytes(16)), nobody)
    assert [(each.status, each.actual_length) for each in results] == [(Status.STALL, 8), (Status.STALL, 0)]


@pytest.mark.parametrize("queued", [False, True])
def test_a_bug_in_received_halts_the_endpoint(results: Results, caplog: pytest.LogCaptureFixture, queued: bool) -> None:
    class Broken(Eater):
        def received(self, data: memoryview, end: bool) -> int | None:
            if self.appetite is None:
                return None
            raise ZeroDivisionError(len(data), end)

    eater = Broken(None if queued else 8)
    pipe = OutPipe(Endpoint(1, 2, 8), results.put, eater)
    pipe.submit(Urb(0, 1, 2, 3, 0, b"abc"), nobody)
    eater.appetite = 8
    pipe.resume()
    assert ([each.status for each in results], pipe.halted) == ([Status.STALL], True)
    assert "0x01" in caplog.text
