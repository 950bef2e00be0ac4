"""Everything that fuzzing has found, again, and the seeds: an ordinary test, without a fuzzer."""

from __future__ import annotations

import importlib
import time
from pathlib import Path

import pytest

from tests.fuzz.cases import GUIDED, findings, packed
from tests.fuzz.guided import SLOW_SECONDS

CASES = [(target, path) for target in GUIDED for path in findings(target)]


@pytest.mark.parametrize("target", GUIDED)
def test_seeds_are_read_to_their_ends(target: str) -> None:
    module = importlib.import_module(f"tests.fuzz.targets.{target}")
    seeds = list(module.seeds())
    assert len(seeds) > 4
    for seed in seeds:
        module.run(seed)


@pytest.mark.parametrize("target", GUIDED)
def test_all_that_long_runs_have_reached(target: str) -> None:
    module = importlib.import_module(f"tests.fuzz.targets.{target}")
    cases = packed(target)
    assert cases
    for case in cases:
        module.run(case)


@pytest.mark.parametrize(("target", "path"), CASES, ids=lambda value: value.name if isinstance(value, Path) else value)
def test_a_finding_of_the_past(target: str, path: Path) -> None:
    module = importlib.import_module(f"tests.fuzz.targets.{target}")
    began = time.monotonic()
    module.run(path.read_bytes())
    assert time.monotonic() - began < SLOW_SECONDS
