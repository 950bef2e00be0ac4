"""Seeds out of the strategies of the property tests: the same ones each time."""

from __future__ import annotations

import random
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

_T = TypeVar("_T")


def drawn(strategy: st.SearchStrategy[_T], count: int) -> list[_T]:
    """Some values of a strategy. Hypothesis draws values inside of a test alone: this is one."""
    values: list[Any] = []

    @seed(1)
    @settings(
        max_examples=count, database=None, derandomize=False, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(strategy)
    def draw(value: _T) -> None:
        values.append(value)

    state = random.getstate()
    draw()
    random.setstate(state)
    return values[:count]
