"""hil.report.flights: the halves of both captures joined, whatever their clocks say."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from hil.report.flights import clock_bounds, join
from hil.report.sides import Half
from tests.support.rig_failure import SECOND

numbers = st.lists(st.integers(1, 6), max_size=12)


def halves(sequences: list[int], ahead: int) -> list[Half]:
    return [
        Half(2, 0x81, 512, b"", number, requested=SECOND * place + ahead, responded=SECOND * place + ahead + 5)
        for place, number in enumerate(sequences)
    ]


@given(numbers, numbers, st.integers(-100, 100).map(lambda hours: hours * 3600 * SECOND))
def test_each_half_is_in_exactly_one_flight_whatever_the_clocks(ours: list[int], theirs: list[int], ahead: int) -> None:
    host, guest = halves(ours, 0), halves(theirs, ahead)
    flights = join(host, guest, ahead)
    assert Counter(id(each.host) for each in flights if each.host) == Counter(map(id, host))
    assert Counter(id(each.guest) for each in flights if each.guest) == Counter(map(id, guest))
    assert [each.first for each in flights] == sorted(each.first for each in flights)
    for each in flights:
        if each.host and each.guest:
            assert each.host.sequence == each.guest.sequence


@given(st.lists(st.tuples(st.integers(0, 999), st.integers(0, 999)), min_size=1), st.integers(-(10**12), 10**12))
def test_the_messages_bound_the_offset_of_the_clocks(delays: list[tuple[int, int]], offset: int) -> None:
    host, guest = [], []
    for number, (there, back) in enumerate(delays):
        begin = number * 10_000
        guest.append(
            Half(2, 1, 1, b"", number, requested=begin + offset, responded=begin + 5000 + there + back + offset)
        )
        host.append(Half(2, 1, 1, b"", number, requested=begin + there, responded=begin + 5000 + there))
    low, high = clock_bounds(host, guest) or (1, 0)
    assert low <= offset <= high
    assert high - low == min(each[0] for each in delays) + min(each[1] for each in delays)
