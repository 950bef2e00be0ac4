"""Makes a walk that went wrong as small as can be, on the emulator, and writes a test of what is left."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st
from hypothesis.database import InMemoryExampleDatabase, choices_to_bytes

from wslusb.errors import WslusbError

from .on_emulator import bench_for
from .steps import Step, Walk
from .walk import follow

__all__ = ["regression", "shrink", "violation_of"]

_KEY = b"the walk"
_TRIES = 400


def violation_of(walk: Walk) -> str:
    """What goes wrong in a walk on the emulator; empty if nothing does."""
    with _quietly(), bench_for(walk) as bench:
        try:
            follow(walk.steps, bench)
        except (AssertionError, WslusbError) as error:
            return str(error) or type(error).__name__
    return ""


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """What goes wrong hundreds of times need not be told each time."""
    log = logging.getLogger("wslusb")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)


def shrink(walk: Walk, tries: int = _TRIES, violates: Callable[[Walk], str] = violation_of) -> Walk | None:
    """The smallest part of a walk, with the smallest numbers, that still goes wrong; None if the whole does not.

    Hypothesis does it: each step may be left out and each number be smaller, and what it begins with is all of them.
    """
    wanted = _kind(violates(walk))
    if not wanted:
        return None
    if walk.plan and _kind(violates(replace(walk, plan=""))) == wanted:
        walk = replace(walk, plan="")
    database = InMemoryExampleDatabase()
    database.save(_KEY, choices_to_bytes(_choices(walk)))
    found = find(
        _parts(walk), lambda steps: _kind(violates(walk.having(steps))) == wanted, database_key=_KEY,
        settings=settings(
            database=database, phases=(Phase.reuse, Phase.shrink), max_examples=tries, deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
    return replace(walk, steps=found, violation=violates(walk.having(found)))


def _kind(violation: str) -> str:
    """What went wrong, without where and how much: a smaller walk is to go wrong in the same way."""
    return re.sub(r"0x[0-9a-f]+|\d+", "", violation.partition("): ")[2] or violation)


@st.composite
def _parts(draw: st.DrawFn, walk: Walk) -> tuple[Step, ...]:
    kept = []
    for step in walk.steps:
        if draw(st.booleans()):
            limits = step.limits
            size = draw(st.integers(limits.smallest, step.size)) if step.size > limits.smallest else step.size
            count = draw(st.integers(1, step.count)) if step.count > 1 else step.count
            kept.append(Step(step.name, size, count))
    return tuple(kept)


def _choices(walk: Walk) -> Iterator[Any]:
    """What :func:`_parts` draws where everything is kept, and one more: what fits exactly is taken to be shrunk."""
    for step in walk.steps:
        yield True
        if step.size > step.limits.smallest:
            yield step.size
        if step.count > 1:
            yield step.count
    yield True


def regression(walk: Walk) -> str:
    """A test module that fails as long as the walk goes wrong."""
    steps = "".join(f'    Step("{step.name}", {step.size}, {step.count}),\n' for step in walk.steps)
    plan = f'"""\\\n{walk.plan}"""' if walk.plan else '""'
    where = ", ".join(f"{name} {value}" for name, value in walk.facts.items())
    return f'''"""Found by a walk{f" ({where})" if where else ""}, shrunk on the emulator."""

from __future__ import annotations

from hil.stateful.shrinking import violation_of
from hil.stateful.steps import Step, Walk

_PLAN = {plan}
_STEPS = (
{steps})


def test_the_walk_goes_well() -> None:
    """It ended with: {walk.violation}."""
    walk = Walk(_STEPS, frozenset({sorted(walk.traits)!r}), _PLAN, {walk.seed})
    assert violation_of(walk) == ""
'''
