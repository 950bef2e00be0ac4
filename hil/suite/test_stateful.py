"""Random walks: attached, used, cancelled, reset, pulled out, left by its agent and its service, in any order."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from hil.errors import RigError
from hil.harness.fixtures import Keep
from hil.live.device import LiveDevice
from hil.stateful.bench import Bench
from hil.stateful.model import DEFAULT_PLAN, Violation
from hil.stateful.on_rig import RigBench, bench_on
from hil.stateful.steps import Walk
from hil.stateful.walk import rules

pytestmark = pytest.mark.safety("reversible")

_STEPS = 6
_FAULTY = {"source-sink", "bulk-loopback"}


@dataclass
class _Walks:
    """The benches of walks, one after the other, and the walk that went wrong."""

    device: LiveDevice
    plan: str
    seed: int
    stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    bench: RigBench | None = None
    number: int = 0
    count: int = 0
    failed: Walk | None = None
    record: bytes = b""

    def _blank(self) -> Walk:
        entry, rig = self.device.entry, self.device.rig
        facts = {"rig": rig.rig.name, "backend": rig.backend, "device": entry.name}
        return Walk((), entry.traits, self.plan, self.seed + self.number, facts=facts)

    def open(self) -> Bench:
        self.number += 1
        self.bench = self.stack.enter_context(bench_on(self.device, self._blank()))
        return self.bench

    def ended(self, walk: Walk) -> None:
        self.count += len(walk.steps)
        if walk.violation and self.failed is None:
            self.failed = replace(self._blank(), steps=walk.steps, violation=walk.violation)
            self.record = self.bench.record() if self.bench is not None else b""
        self.stack.close()


@pytest.fixture
def walks(dut: LiveDevice, plan: str) -> Iterator[_Walks]:
    """With a seed of this run, which the file of a failed walk has."""
    if plan and not any(map(dut.has, _FAULTY)):
        pytest.skip("the faults are those of bulk pipes, and walks do not know what this device does with its own")
    made = _Walks(dut, plan, random.SystemRandom().randrange(1 << 31))
    yield made
    made.stack.close()


@pytest.mark.parametrize("plan", ["", DEFAULT_PLAN], ids=["healthy", "faults"])
def test_walks(walks: _Walks, effort: float, keep: Keep) -> None:
    """Every URB is answered once, data are what was sent, nothing hangs, and no port or device is lost."""
    machine = seed(walks.seed)(rules(walks.open, walks.ended))
    how = settings(
        max_examples=max(2, round(3 * effort)), stateful_step_count=_STEPS, phases=[Phase.generate], database=None,
        deadline=None, suppress_health_check=list(HealthCheck), print_blob=False,
    )  # fmt: skip
    try:
        run_state_machine_as_test(machine, settings=how)
    except RigError:
        raise
    except Exception as error:
        if walks.failed is None:
            raise
        keep("steps.json", walks.failed.to_json().encode())
        if walks.record:
            keep("faults.jsonl", walks.record)
        # Hypothesis tries it once more, and what it says may be that it did not happen again.
        raise Violation(f"{walks.failed.violation}; 'python -m hil shrink steps.json' makes it small") from error
    assert walks.count > walks.number, "walks that do nothing show nothing"
