"""A stateful machine for a given time."""

from __future__ import annotations

import hashlib
import sys
import time
import traceback

from hypothesis import HealthCheck, Phase, settings
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tests.fuzz.cases import work_folder
from tests.fuzz.conversation import Conversation
from tests.fuzz.kernel_machine import KernelMachine
from tests.fuzz.report import Result

__all__ = ["MACHINES", "run"]

MACHINES: dict[str, type[RuleBasedStateMachine]] = {"conversation": Conversation, "kernel": KernelMachine}

_EXAMPLES = 20
_STEPS = 60


def run(target: str, seconds: float, *, shrink: bool = True) -> Result:
    """Batches of examples until the time is over. A failure is shrunk by Hypothesis, told, and kept in its database."""
    began = time.monotonic()
    result, steps = Result(target), set[str]()
    how = settings(
        max_examples=_EXAMPLES, stateful_step_count=_STEPS, deadline=None, print_blob=True, report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck), database=DirectoryBasedExampleDatabase(work_folder(target)),
        phases=[Phase.reuse, Phase.generate, *([Phase.shrink] if shrink else [])],
    )  # fmt: skip

    class Counted(MACHINES[target]):  # type: ignore[misc,valid-type]  # chosen at run time
        def __init__(self) -> None:
            result.cases += 1
            super().__init__()

        def teardown(self) -> None:
            super().teardown()
            steps.update(self.kinds)

    while time.monotonic() - began < seconds:
        try:
            run_state_machine_as_test(Counted, settings=how)
        except Exception as error:  # noqa: BLE001 -- whatever it is, it is a finding
            told = "".join(traceback.format_exception(error))
            sys.stderr.write(told[-4000:])
            result.findings.append(f"{type(error).__name__}-{hashlib.sha256(told.encode()).hexdigest()[:8]}")
            break
    result.coverage = len(steps)
    result.seconds = time.monotonic() - began
    return result
