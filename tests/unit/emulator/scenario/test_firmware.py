"""emulator.scenario.firmware and endpoints: which rule answers, when, and what follows from it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from emulator.device import VirtualDevice
from emulator.gadget import Gadget
from emulator.scenario import Scenario
from emulator.scenario.data import Data, Echo, Literal, Pattern, PatternKind
from emulator.scenario.script import (
    LAST,
    LOOP,
    Among,
    Answer,
    ControlRule,
    InRule,
    Masked,
    Nth,
    Outcome,
    OutRule,
    Script,
    Send,
)
from wslusb.device.clock import VirtualClock
from wslusb.errors import DeviceError, LocalError
from wslusb.usb.descriptors import Configuration, DeviceDescriptor, Endpoint, Interface
from wslusb.usb.ids import TransferType
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Buffer, Completion, Status, Urb, UrbFlag

SOURCE, SINK, BELL, TONE, EAR = 0x81, 0x01, 0x82, 0x83, 0x03
Seen = list[tuple[Status, bytes]]
STALL, NAK = Answer(outcome=Outcome.STALL), Answer(outcome=Outcome.NAK)


def gadget() -> Gadget:
    endpoints = [
        Endpoint(SOURCE, TransferType.BULK, 512), Endpoint(SINK, TransferType.BULK, 512),
        Endpoint(BELL, TransferType.INTERRUPT, 8, 4),
        Endpoint(TONE, TransferType.ISOCHRONOUS, 64, 4), Endpoint(EAR, TransferType.ISOCHRONOUS, 64, 4),
    ]  # fmt: skip
    settings = [Interface(0), Interface(0, 1, endpoints=endpoints)]
    return Gadget(device=DeviceDescriptor(0x1209, 1), configurations=(Configuration(1, settings),))


class Bench:
    def __init__(self, **rules: object) -> None:
        self.clock = VirtualClock()
        self.model = Scenario(gadget=gadget(), script=Script(**rules)).model()  # type: ignore[arg-type]
        self.open()

    def open(self) -> None:
        self.device = VirtualDevice(self.model.gadget, self.model.firmware, clock=self.clock)
        self.device.select_interface(0, 1)

    def submit(self, urb: Urb) -> Seen:
        seen: Seen = []

        def done(completion: Completion) -> None:
            seen.append((Status(completion.status), bytes(completion.data)))

        self.device.submit(urb, done)
        return seen

    def ask(self, request: int, value: int = 0, index: int = 0, length: int = 8, kind: int = 0xC0) -> Seen:
        return self.submit(Urb(0, 0, 0, length, UrbFlag.SHORT_OK, b"", Setup(kind, request, value, index, length)))

    def tell(self, request: int, data: Buffer = b"") -> Seen:
        return self.submit(Urb(0, 0, 0, len(data), 0, data, Setup(0x40, request, 0, 0, len(data))))

    def read(self, length: int = 512, endpoint: int = SOURCE) -> Seen:
        transfer = TransferType.INTERRUPT if endpoint == BELL else TransferType.BULK
        return self.submit(Urb(0, endpoint, transfer, length, UrbFlag.SHORT_OK))

    def write(self, data: bytes, flags: int = 0) -> Seen:
        return self.submit(Urb(0, SINK, TransferType.BULK, len(data), flags, data))


def ok(data: bytes = b"") -> Seen:
    return [(Status.OK, data)]


STALLED: Seen = [(Status.STALL, b"")]


def literal(text: bytes, **more: object) -> Answer:
    return Answer(data=Literal(text), **more)  # type: ignore[arg-type]


def reply(text: bytes, **conditions: object) -> ControlRule:
    return ControlRule(answers=(literal(text),), **conditions)  # type: ignore[arg-type]


# -- which rule


def test_the_first_rule_whose_fields_fit_answers() -> None:
    rules = (
        reply(b"a", request=1, value=5),
        reply(b"b", request=1, value=Masked(0x0100, 0xFF00)),
        reply(b"c", request=Among((1, 2)), index=7),
        reply(b"d", request_type=Masked(0xC0, 0xFF), request=3, length=4),
        reply(b"e", request=1),
    )
    bench = Bench(control=rules)
    assert bench.ask(1, 5) == ok(b"a")
    assert bench.ask(1, 0x01FF) == ok(b"b")
    assert bench.ask(1, 0x02FF, 7) == ok(b"c")
    assert bench.ask(2, 0, 7) == ok(b"c")
    assert bench.ask(3, length=4) == ok(b"d")
    assert bench.ask(3, length=5) == STALLED
    assert bench.ask(1) == ok(b"e")
    assert bench.ask(9) == STALLED


def test_a_rule_without_a_request_sees_all_requests_in_its_place() -> None:
    rules = (reply(b"a", request_type=0xC0, request=1), reply(b"any"), reply(b"never", request=2))
    bench = Bench(control=rules)
    assert [bench.ask(1), bench.ask(2), bench.ask(77, kind=0xA1)] == [ok(b"a"), ok(b"any"), ok(b"any")]


def test_out_data_are_held_against_the_rule() -> None:
    rules = (
        ControlRule(name="whole", request=1, equals=b"abc"),
        ControlRule(name="start", request=1, starts_with=b"x"),
        ControlRule(name="inside", request=1, matches=re.compile(rb"\x00+!", re.DOTALL)),
        *(reply(name.encode(), request=2, after=name) for name in ("whole", "start", "inside")),
    )
    for data, name in ((b"abc", b"whole"), (b"xyz", b"start"), (b"..\0\0!", b"inside")):
        bench = Bench(control=rules)
        assert bench.ask(2) == STALLED
        assert bench.tell(1, data) == ok()
        assert bench.ask(2) == ok(name)
    assert Bench(control=rules).tell(1, b"abcd") == STALLED


@pytest.mark.parametrize(
    ("nth", "expected"),
    [
        (Nth((2,)), "-x---"),
        (Nth((1, 4)), "x--x-"),
        (Nth((), 2, 3), "-xx--"),
        (Nth((), 3, None), "--xxx"),
        (None, "xxxxx"),
    ],
)
def test_nth_counts_from_one(nth: Nth | None, expected: str) -> None:
    bench = Bench(control=(reply(b"x", nth=nth), reply(b"-")))
    assert b"".join(bench.ask(1)[0][1] for _ in expected) == expected.encode()


def test_states_and_what_sets_them() -> None:
    rules = (
        ControlRule(request=1, state="start", set_state="open"),
        ControlRule(request=1, state="open", set_state="start", answers=(STALL,)),
        reply(b"in", request=2, state="open"),
    )
    bench = Bench(control=rules)
    assert bench.ask(2) == STALLED
    assert bench.tell(1) == ok()
    assert bench.ask(2) == ok(b"in")
    assert bench.tell(1) == STALLED
    assert bench.ask(2) == STALLED


def test_the_script_starts_over_when_the_device_is_plugged_in_again() -> None:
    bench = Bench(control=(reply(b"first", nth=Nth((1,))), ControlRule(request=2, set_state="spent")))
    bench.tell(2)
    assert bench.ask(1) == STALLED
    bench.device.close()
    bench.open()
    assert bench.ask(1) == ok(b"first")


# -- answers in turn


@pytest.mark.parametrize(
    ("repeat", "expected"), [(LOOP, "aabaabaa"), (LAST, "aabbbbbb"), (1, "aab-----"), (2, "aabaab--")]
)
def test_answers_come_in_turn(repeat: object, expected: str) -> None:
    answers = (literal(b"a", times=2), literal(b"b"))
    bench = Bench(control=(ControlRule(answers=answers, repeat=repeat), reply(b"-")))  # type: ignore[arg-type]
    assert b"".join(bench.ask(1)[0][1] for _ in expected) == expected.encode()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (Pattern(kind=PatternKind.ZEROES), [bytes(3), bytes(4)]),
        (Pattern(kind=PatternKind.COUNTING), [b"\0\1\2", b"\3\4\5\6"]),
        (Pattern(kind=PatternKind.COUNTING, length=2), [b"\0\1", b"\2\3"]),
        (Literal(b"abcdef"), [b"abc", b"abcd"]),
    ],
)
def test_patterns_go_on_where_they_stopped(data: Data, expected: Sequence[bytes]) -> None:
    bench = Bench(control=(ControlRule(answers=(Answer(data=data),)),))
    assert [bench.ask(1, length=3), bench.ask(1, length=4)] == [ok(each) for each in expected]


def test_random_is_the_same_in_every_run() -> None:
    data = Pattern(kind=PatternKind.RANDOM, seed=7)
    first, second = (Bench(control=(ControlRule(answers=(Answer(data=data),)),)) for _ in range(2))
    numbers = [first.ask(1), first.ask(1)]
    assert numbers == [second.ask(1), second.ask(1)]
    assert numbers[0] != numbers[1]


def test_a_standard_request_is_answered_in_place_of_chapter_9_or_only_watched() -> None:
    descriptor = {"request_type": 0x80, "request": 6}
    watch = ControlRule(**descriptor, value=0x0200, set_state="seen", answers=(Answer(outcome=Outcome.STANDARD),))  # type: ignore[arg-type]
    bench = Bench(
        control=(
            reply(b"odd", **descriptor, value=0x0100, nth=Nth((1,))),
            watch,
            reply(b"yes", request=9, state="seen"),
        )
    )
    assert bench.ask(6, 0x0100, kind=0x80) == ok(b"odd")
    assert bench.ask(6, 0x0100, length=18, kind=0x80) == ok(gadget().device.pack())
    assert bench.ask(9) == STALLED
    assert bench.ask(6, 0x0200, length=9, kind=0x80)[0][1][:2] == b"\x09\x02"
    assert bench.ask(9) == ok(b"yes")


def test_a_request_that_is_never_answered_waits_until_it_is_cancelled() -> None:
    bench = Bench(control=(ControlRule(request=1, answers=(NAK,)), reply(b"x", request=2)))
    setup = Setup(0xC0, 1, 0, 0, 8)
    urb = Urb(0, 0, 0, 8, UrbFlag.SHORT_OK, b"", setup)
    seen = bench.submit(urb)
    bench.clock.advance(1000)
    assert seen == []
    bench.device.cancel(urb)
    assert seen == [(Status.CANCELLED, b"")]
    assert bench.ask(2) == ok(b"x")


def test_set_interface_can_be_refused() -> None:
    bench = Bench(control=(ControlRule(request_type=0x01, request=11, nth=Nth((2,)), answers=(STALL,)),))
    with pytest.raises(DeviceError):
        bench.device.select_interface(0, 0)
    bench.device.select_interface(0, 0)


# -- IN endpoints


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


# -- OUT endpoints


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


# -- isochronous endpoints


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


def test_a_script_that_the_device_cannot_follow_is_refused() -> None:
    with pytest.raises(LocalError, match=r"InRule 0: endpoint: the device has no IN endpoint 0x85"):
        Bench(reads=(InRule(endpoint=0x85),))
    with pytest.raises(LocalError, match=r"messages: the device has no bulk or interrupt OUT endpoint 0x03"):
        Bench(messages={EAR: b"x"})
