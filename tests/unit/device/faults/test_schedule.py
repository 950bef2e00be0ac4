"""wslusb.device.faults.schedule: the same seed and the same URBs of an endpoint give the same decisions."""

from __future__ import annotations

import pytest

from emulator import device_provider
from tests.support.usb import bulk_in, bulk_out, control_urb, iso_urb
from wslusb.device.faults import (
    Babble,
    Corrupt,
    Delay,
    Fault,
    IsoErrors,
    Plan,
    SetupMatch,
    Short,
    Stall,
    Timeout,
    UnlinkRace,
    What,
    When,
    Where,
    ZeroLength,
)  # fmt: skip
from wslusb.device.faults.schedule import Injection, Schedule
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Urb

INFO = device_provider("loopback").devices()[0]


def schedule(*faults: Fault, seed: int = 1) -> Schedule:
    return Schedule(Plan(faults), seed, INFO)


def hits(schedule: Schedule, urbs: list[Urb], now: float = 0.0) -> list[int]:
    """Which of the URBs something befalls, counted from 1."""
    return [number for number, urb in enumerate(urbs, 1) if schedule.decide(urb, now)[1]]


READS = [bulk_in() for _ in range(12)]


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (When(), list(range(1, 13))),
        (When(nth=(3, 5)), [3, 5]),
        (When(every=4), [4, 8, 12]),
        (When(every=4, at_most=2), [4, 8]),
        (When(after_urbs=10), [11, 12]),
        (When(after_urbs=5, nth=(2,)), [7]),
        (When(probability=1.0, at_most=1), [1]),
        (When(after_seconds=1), []),
    ],
)
def test_when(when: When, expected: list[int]) -> None:
    assert hits(schedule(Fault(Stall(), when=when)), READS) == expected


def test_after_seconds_counts_from_the_start() -> None:
    one = schedule(Fault(Stall(), when=When(after_seconds=2, nth=(1,))))
    one.start(100.0)
    assert hits(one, [bulk_in()], 101.9) == []
    assert hits(one, [bulk_in(), bulk_in()], 102.0) == [1]


@pytest.mark.parametrize(
    ("where", "fits"),
    [
        (Where(), [True, True, True, True]),
        (Where(endpoint=0x81), [True, False, False, False]),
        (Where(endpoint=0), [False, False, True, True]),
        (Where(direction="out"), [False, True, False, True]),
        (Where(transfer="control"), [False, False, True, True]),
        (Where(length=18), [False, False, True, False]),
        (Where(setup=SetupMatch(request=6)), [False, False, True, False]),
        (Where(setup=SetupMatch(request=6, value=0x200)), [False] * 4),
        (Where(device="0525:A4A0"), [True] * 4),
        (Where(device="loopback0001"), [True] * 4),
        (Where(device="1234:5678"), [False] * 4),
    ],
)
def test_where(where: Where, fits: list[bool]) -> None:
    urbs = [
        bulk_in(), bulk_out(b"x"), control_urb(Setup(0x80, 6, 0x100, 0, 18)), control_urb(Setup(0x40, 1, 0, 0, 0)),
    ]  # fmt: skip
    one = schedule(Fault(Timeout(), where))
    assert [bool(one.decide(urb, 0)[1]) for urb in urbs] == fits


def test_a_kind_befalls_only_what_it_can() -> None:
    one = schedule(Fault(Short()), Fault(IsoErrors(share=1)))
    befallen = [one.decide(urb, 0)[1] for urb in (bulk_in(), bulk_out(b"x"), iso_urb([8, 8]))]
    assert [[type(each.what) for each in some] for some in befallen] == [[Short], [], [IsoErrors]]


@pytest.mark.parametrize("what", [Short(), ZeroLength(), Babble(), Corrupt(), Stall()])
def test_the_recorded_number_finds_the_urb_again_where_directions_are_mixed(what: What) -> None:
    """Endpoint 0 has requests out, without data, between those in."""
    request, answer = control_urb(Setup(0x40, 1, 0, 0, 0)), control_urb(Setup(0xC0, 1, 0, 0, 8))
    urbs = [request, answer, request, answer, request, answer]
    strike = Fault(what, Where(direction="in"), When(nth=(2,)))
    first = schedule(strike)
    ((injection,),) = [found for urb in urbs if (found := first.decide(urb, 0)[1])]
    again = Fault(injection.what, Where(endpoint=injection.lane), When(nth=(injection.nth,)))
    assert hits(schedule(strike), urbs) == hits(schedule(again), urbs) == [4]


def drawn(seed: int, order: str) -> dict[int, list[Injection]]:
    """What a plan full of chance does to two endpoints whose URBs come in an order such as "iioioo"."""
    one = schedule(
        Fault(Corrupt(), when=When(probability=0.5)), Fault(Delay(seconds=0, jitter=1), when=When(probability=0.3)),
        seed=seed,
    )  # fmt: skip
    found: dict[int, list[Injection]] = {0x81: [], 0x01: []}
    for letter in order:
        urb = bulk_in() if letter == "i" else bulk_out(b"abc")
        found[urb.endpoint] += one.decide(urb, 0)[1]
    return found


def test_decisions_on_one_endpoint_do_not_depend_on_the_others() -> None:
    assert drawn(5, "i" * 50 + "o" * 50) == drawn(5, "io" * 50) == drawn(5, "ooi" * 25 + "i" * 25)


def test_another_seed_decides_otherwise() -> None:
    assert drawn(5, "io" * 50) != drawn(6, "io" * 50)


def test_a_named_fault_keeps_its_stream_when_others_are_added() -> None:
    when = When(probability=0.5)
    alone = schedule(Fault(Stall(), when=when, name="mine"))
    beside = schedule(Fault(Stall(), Where(endpoint=5), when, "other"), Fault(Stall(), when=when, name="mine"))
    assert hits(alone, READS * 9) == hits(beside, READS * 9)


def test_the_first_fault_wins_and_time_adds_up() -> None:
    one = schedule(Fault(Delay(seconds=1)), Fault(Timeout()), Fault(Stall()), Fault(Delay(seconds=2)))
    course, injections = one.decide(bulk_in(), 0)
    assert course
    assert [type(each.what) for each in injections] == [Delay, Timeout, Delay]
    assert course.status is None


def test_nothing_is_left_to_chance_in_what_is_recorded() -> None:
    whats: list[What] = [Corrupt(), IsoErrors(share=0.5), UnlinkRace(), Delay(seconds=1, jitter=1), Short()]
    one = schedule(*(Fault(each) for each in whats))
    for urb in (bulk_in(), iso_urb([8] * 20), control_urb(Setup(0x80, 6, 0, 0, 9))):
        for injection in one.decide(urb, 0)[1]:
            again = schedule(Fault(injection.what), seed=99).decide(urb, 0)[1]
            assert [each.what for each in again] == [injection.what]
