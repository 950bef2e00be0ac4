"""A tally counts the answers of every URB, whoever gives them."""

from __future__ import annotations

from typing import Any

from hil.clients.tally import Tally
from wslusb.usb.urb import Completion, Done, Status, Urb


class Hand:
    """A device that is moved by hand."""

    def __init__(self) -> None:
        self.dones: list[tuple[Urb, Done]] = []
        self.cancelled: list[Urb] = []

    def submit(self, urb: Urb, done: Done) -> None:
        self.dones.append((urb, done))

    def cancel(self, urb: Urb) -> None:
        self.cancelled.append(urb)

    def complete(self, number: int, status: int = Status.OK) -> None:
        urb, done = self.dones[number]
        done(Completion(urb, status, 1, b"x"))


def tally_of(count: int, *endpoints: int) -> tuple[Tally, Hand]:
    hand: Any = Hand()
    tally = Tally(hand)
    for number in range(count):
        tally.submit(Urb(0, (endpoints or (0x81,))[number % max(1, len(endpoints))], 2, 8))
    return tally, hand


def test_once_each_and_in_order_is_right() -> None:
    tally, hand = tally_of(2)
    hand.complete(0)
    hand.complete(1, Status.CANCELLED)
    assert tally.wait(0)
    assert [flight.outcome for flight in tally.flights] == ["OK", "CANCELLED"]
    assert not tally.wrong
    assert not tally.disorder


def test_what_is_lost_or_answered_twice_is_told() -> None:
    tally, hand = tally_of(2)
    hand.complete(0)
    hand.complete(0)
    assert not tally.wait(0)
    assert tally.wrong == [
        "URB 0 of endpoint 0x81 was answered 2 times", "URB 1 of endpoint 0x81 was answered 0 times",
    ]  # fmt: skip
    tally.cancel(tally.unanswered)
    assert hand.cancelled == [tally.flights[1].urb]


def test_overtaking_is_told_on_one_endpoint_and_allowed_between_two() -> None:
    one, hand = tally_of(2)
    hand.complete(1)
    hand.complete(0)
    assert one.disorder == ["URB 1 of endpoint 0x81 overtook URB 0"]
    two, hand = tally_of(2, 0x81, 0x82)
    hand.complete(1)
    hand.complete(0)
    assert not two.disorder
