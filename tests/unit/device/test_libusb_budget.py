"""wslusb.device.libusb_budget: nothing above the limit, nobody waits for ever, first come first served."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wslusb.device.libusb_budget import LIMIT, SMALL, Budget, cost_of

MIB = 1 << 20
_MORE: Any = st.booleans()


def test_trap_usbfs_16_mb_limit_counts_the_kernels_own_overhead() -> None:
    assert cost_of(0) > 0
    assert cost_of(MIB) > MIB + 64 * 32  # a scatter list has an entry of 32 bytes for each 16 KiB
    assert cost_of(1000, 128) >= 1000 + 128 * 16
    assert LIMIT < 16 * MIB


def test_small_urbs_go_through_when_large_ones_have_filled_it() -> None:
    budget: Budget[str] = Budget(16 * MIB)
    while budget.take("large", MIB):
        pass
    assert budget.take("small", SMALL)
    assert not budget.take("large too", SMALL + 1)


def test_granted_in_order_when_there_is_room() -> None:
    budget: Budget[str] = Budget(8 * MIB)
    assert budget.take("a", 6 * MIB)
    assert not budget.take("b", 4 * MIB)
    assert not budget.take("c", MIB), "b was first"
    assert budget.give(6 * MIB) == [("b", 4 * MIB), ("c", MIB)]
    assert budget.in_flight == 5 * MIB


def test_withdrawn_waiter_is_not_granted() -> None:
    budget: Budget[str] = Budget(8 * MIB)
    budget.take("a", 7 * MIB)
    budget.take("b", 6 * MIB)
    budget.take("c", MIB)
    budget.withdraw("b")
    assert budget.give(7 * MIB) == [("c", MIB)]


def test_refused_by_the_kernel_waits_at_the_head_while_that_can_help() -> None:
    budget: Budget[str] = Budget(8 * MIB)
    budget.take("a", 3 * MIB)
    budget.take("b", 2 * MIB)
    assert budget.refuse("b", 2 * MIB)
    assert not budget.take("c", MIB)
    assert budget.give(3 * MIB) == [("b", 2 * MIB), ("c", MIB)]
    assert not budget.refuse("b", 2 * MIB), "1 MiB in flight would make no room for 2"
    assert budget.in_flight == 3 * MIB


@pytest.mark.parametrize("cost", [1, SMALL, SMALL + 1, cost_of(8 * MIB)])
def test_every_transfer_up_to_8_mib_is_possible(cost: int) -> None:
    assert Budget(LIMIT).possible(cost)
    assert not Budget(LIMIT).possible(LIMIT)


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 9000)), max_size=60),
    st.data(),
)
def test_never_above_the_limit_and_everybody_gets_a_turn(requests: list[tuple[str, int]], data: st.DataObject) -> None:
    budget: Budget[tuple[str, int]] = Budget(10_000)
    flying: deque[int] = deque()
    waiting: dict[tuple[str, int], int] = {}
    for number, (name, cost) in enumerate(requests):
        if not budget.possible(cost):
            continue
        if budget.take((name, number), cost):
            flying.append(cost)
        else:
            waiting[name, number] = cost
        while flying and data.draw(_MORE):
            _finish_one(budget, flying, waiting)
    for _ in range(len(flying) + len(waiting)):
        _finish_one(budget, flying, waiting)
    assert not flying
    assert not waiting
    assert budget.in_flight == 0


def _finish_one(budget: Budget[tuple[str, int]], flying: deque[int], waiting: dict[tuple[str, int], int]) -> None:
    for waiter, cost in budget.give(flying.popleft()):
        assert waiting.pop(waiter) == cost
        flying.append(cost)
    assert budget.in_flight == sum(flying) <= 10_000
