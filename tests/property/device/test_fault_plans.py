"""Plans of faults: dataclasses and TOML say the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wslusb.device.faults import (
    KINDS,
    Corrupt,
    Delay,
    Fault,
    IsoErrors,
    Plan,
    SetupMatch,
    Short,
    When,
    Where,
    parse_plan,
    plan_text,
)  # fmt: skip
from wslusb.device.faults.reading import read_what

WHATS = st.sampled_from(
    [read_what(kind, "") for kind in KINDS if kind not in {"delay", "late", "bandwidth", "iso-errors", "reenumerate"}]
    + [Delay(seconds=0.1), Corrupt(bit=3), IsoErrors(packets=(1, 2)), IsoErrors(share=0.5), Short(bytes=0)]
)
WHERES = st.builds(
    Where,
    endpoint=st.none() | st.sampled_from([0, 1, 0x81]),
    direction=st.sampled_from(["", "in", "out"]),
    setup=st.none() | st.builds(SetupMatch, request=st.none() | st.integers(0, 255)),
    device=st.text(max_size=5),
)
WHENS = st.one_of(
    st.builds(When, nth=st.lists(st.integers(1, 99), max_size=3).map(tuple), at_most=st.integers(0, 3)),
    st.builds(When, every=st.integers(0, 9), after_seconds=st.floats(0, 1e6)),
    st.builds(When, probability=st.floats(0, 1)),
)


@given(st.lists(st.builds(Fault, WHATS, WHERES, WHENS), max_size=4), st.none() | st.integers(0, 1 << 40))
def test_a_plan_that_was_written_is_read_as_the_same(faults: list[Fault], seed: int | None) -> None:
    plan = Plan(faults, seed, "plan")
    assert parse_plan(plan_text(plan)) == plan
