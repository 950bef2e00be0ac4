"""emulator.scenario.endpoints: reads, writes, what is sent, and isochronous packets."""

from __future__ import annotations

from collections.abc import Sequence

from emulator.scenario.data import Echo, Pattern, PatternKind
from emulator.scenario.script import Answer, ControlRule, InRule, OutRule, Send
from tests.unit.emulator.scenario.bench import BELL, EAR, NAK, SINK, SOURCE, STALL, STALLED, TONE, Bench, literal, ok
from wslusb.usb.ids import TransferType
from wslusb.usb.urb import Status, Urb, UrbFlag


def test_reads_get_answers_in_turn_each_when_its_time_has_come() -> None:
    answers = (literal(b"now"), literal(b"later", delay=0.5), Answer(), literal(bytes(512), zero_packet=True))
    bench = Bench(reads=(InRule(endpoint=SOURCE, answers=answers, repeat=1),))
    reads = [bench.read(1024) for _ in range(5)]
    assert reads == [ok(b"now"), [], [], [], []]
    bench.clock.advance(0.499)
    assert reads[1] == []
    bench.clock.advance(0.001)
    assert reads[1:] == [ok(b"later"), ok(), ok(bytes(512)), []]


def test_a_pattern_without_a_length_fills_the_read() -> None:
    bench = Bench(reads=(InRule(endpoint=SOURCE, answers=(Answer(data=Pattern(kind=PatternKind.COUNTING)),)),))
    assert bench.read(2048) == ok(bytes(range(256)) * 8)
    assert bench.read(100) == ok(bytes(range(100)))
    assert bench.read(3) == ok(b"def")


def test_a_read_is_stalled_and_goes_on_after_the_halt_was_cleared() -> None:
    bench = Bench(reads=(InRule(endpoint=SOURCE, answers=(STALL, literal(b"x"))),))
    assert [bench.read(), bench.read()] == [STALLED, STALLED]
    bench.device.clear_halt(SOURCE)
    assert bench.read() == ok(b"x")


def test_nak_for_ever_ends_with_the_state() -> None:
    rules = (
        InRule(endpoint=SOURCE, state="start", answers=(literal(b"x"), NAK)),
        InRule(endpoint=SOURCE, state="go", answers=(literal(b"y"),)),
    )
    bench = Bench(reads=rules, control=(ControlRule(request=1, set_state="go"),))
    assert bench.read() == ok(b"x")
    waiting = [bench.read(), bench.read()]
    bench.clock.advance(100)
    assert waiting == [[], []]
    bench.tell(1)
    assert waiting == [ok(b"y"), ok(b"y")]


def test_a_nak_that_changes_the_state_ends_with_that_change() -> None:
    reads = (
        InRule(endpoint=SOURCE, state="start", answers=(NAK,), set_state="go"),
        InRule(endpoint=SOURCE, state="go", answers=(literal(b"y"),)),
    )
    bench = Bench(reads=reads)
    seen = bench.read()
    bench.clock.advance(0.001)
    assert seen == ok(b"y")
    writes = (
        OutRule(endpoint=SINK, state="start", answers=(NAK,), set_state="go"),
        OutRule(endpoint=SINK, state="go"),
    )
    bench = Bench(writes=writes)
    seen = bench.write(b"x")
    bench.clock.advance(0.001)
    assert seen == ok()


def test_what_is_sent_comes_before_the_endpoints_own_answers() -> None:
    control = ControlRule(
        request=1, sends=(Send(BELL, literal(b"ding")), Send(BELL, literal(b"dong")), Send(BELL, STALL))
    )
    bench = Bench(control=(control,), reads=(InRule(endpoint=BELL, answers=(literal(b"own"),)),))
    assert bench.read(8, BELL) == ok(b"own")
    bench.tell(1)
    assert [bench.read(8, BELL) for _ in range(3)] == [ok(b"ding"), ok(b"dong"), STALLED]


def test_what_is_sent_to_an_endpoint_that_is_not_there_now_is_lost() -> None:
    bench = Bench(control=(ControlRule(request=1, sends=(Send(BELL, literal(b"ding", delay=1)),)),))
    bench.tell(1)
    bench.device.select_interface(0, 0)
    bench.clock.advance(2)
    bench.device.select_interface(0, 1)
    assert bench.read(8, BELL) == []


def test_a_write_triggers_what_is_sent() -> None:
    rules = (
        OutRule(endpoint=SINK, equals=b"AT\r", sends=(Send(SOURCE, literal(b"OK\r\n")),)),
        OutRule(endpoint=SINK, sends=(Send(SOURCE, Answer(data=Echo(), delay=0.1)),)),
    )
    bench = Bench(writes=rules)
    assert bench.write(b"AT\r") == ok()
    assert bench.read() == ok(b"OK\r\n")
    assert bench.write(b"ATX\r") == ok()
    echo = bench.read()
    assert echo == []
    bench.clock.advance(0.1)
    assert echo == ok(b"ATX\r")


def test_a_write_is_stalled_taken_late_or_never() -> None:
    answers = (Answer(), STALL, Answer(delay=0.2), NAK)
    bench = Bench(writes=(OutRule(endpoint=SINK, answers=answers),), control=(ControlRule(request=1, set_state="x"),))
    assert bench.write(b"1") == ok()
    assert bench.write(b"2") == STALLED
    bench.device.clear_halt(SINK)
    late, never = bench.write(b"3"), bench.write(b"4")
    bench.clock.advance(0.1)
    assert (late, never) == ([], [])
    bench.clock.advance(0.1)
    assert (late, never) == (ok(), [])
    bench.clock.advance(100)
    assert never == []
    bench.tell(1)
    assert never == ok()


def test_a_write_that_was_cancelled_while_it_was_held_does_not_count_for_the_next() -> None:
    rules = (
        OutRule(endpoint=SINK, equals=b"slow", answers=(Answer(delay=1),), sends=(Send(SOURCE, literal(b"slow")),)),
    )
    bench = Bench(writes=rules)
    urb = Urb(0, SINK, TransferType.BULK, 4, 0, b"slow")
    seen = bench.submit(urb)
    bench.device.cancel(urb)
    assert seen == [(Status.CANCELLED, b"")]
    assert bench.write(b"quick") == ok()
    bench.clock.advance(2)
    assert bench.read() == []


def test_messages_are_put_together_and_cut() -> None:
    rule = OutRule(endpoint=SINK, starts_with=b"A", sends=(Send(SOURCE, Answer(data=Echo())),))
    bench = Bench(writes=(rule,), messages={SINK: b"\r\n"})
    for piece in (b"A", b"B\r", b"\nC\r\nAD\r\nA", b"E"):
        assert bench.write(piece) == ok()
    assert [bench.read(), bench.read(), bench.read()] == [ok(b"AB\r\n"), ok(b"AD\r\n"), []]


def test_writes_wait_while_what_they_fill_is_full() -> None:
    bench = Bench(writes=(OutRule(endpoint=SINK, sends=(Send(SOURCE, Answer(data=Echo())),)),))
    piece = bytes(1 << 19)
    writes = [bench.write(piece) for _ in range(3)]
    assert writes == [ok(), ok(), []]
    assert bench.read(1 << 19) == ok(piece)
    assert writes[2] == []  # looked at again when the endpoint has nothing queued
    assert bench.read(1 << 19) == ok(piece)
    assert writes[2] == ok()


def packets(bench: Bench, lengths: Sequence[int]) -> list[int]:
    found: list[int] = []
    urb = Urb(0, TONE, TransferType.ISOCHRONOUS, sum(lengths), UrbFlag.ISO_ASAP, interval=8, iso_lengths=tuple(lengths))
    bench.device.submit(urb, lambda completion: found.extend(result.actual_length for result in completion.iso))
    bench.clock.advance(1)
    return found


def test_isochronous_data_go_on_in_the_next_packet() -> None:
    answers = (literal(bytes(100)), literal(bytes(20), packet=8), NAK)
    bench = Bench(reads=(InRule(endpoint=TONE, answers=answers),))
    assert packets(bench, [64] * 8) == [64, 36, 8, 8, 4, 0, 64, 36]


def test_isochronous_packets_are_writes() -> None:
    rule = OutRule(endpoint=EAR, starts_with=b"b", sends=(Send(BELL, Answer(data=Echo())),))
    bench = Bench(writes=(rule,))
    urb = Urb(0, EAR, TransferType.ISOCHRONOUS, 5, UrbFlag.ISO_ASAP, b"abbab", interval=8, iso_lengths=(1, 2, 2))
    bench.submit(urb)
    bench.clock.advance(1)
    assert [bench.read(8, BELL), bench.read(8, BELL)] == [ok(b"bb"), []]
