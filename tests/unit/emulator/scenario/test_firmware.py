"""emulator.scenario.firmware: which rule answers a control request, when, and what follows from it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from emulator.scenario.data import Data, Literal, Pattern, PatternKind
from emulator.scenario.script import LAST, LOOP, Among, Answer, ControlRule, InRule, Masked, Nth, Outcome
from tests.unit.emulator.scenario.bench import EAR, NAK, STALL, STALLED, Bench, gadget, literal, ok, reply
from wslusb.errors import DeviceError, LocalError
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Status, Urb, UrbFlag


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


def test_a_script_that_the_device_cannot_follow_is_refused() -> None:
    with pytest.raises(LocalError, match=r"InRule 0: endpoint: the device has no IN endpoint 0x85"):
        Bench(reads=(InRule(endpoint=0x85),))
    with pytest.raises(LocalError, match=r"messages: the device has no bulk or interrupt OUT endpoint 0x03"):
        Bench(messages={EAR: b"x"})
