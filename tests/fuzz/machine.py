"""The stateful machine of conversation.py for a given time."""

from __future__ import annotations

import hashlib
import sys
import time
import traceback

from hypothesis import HealthCheck, Phase, settings
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.stateful import run_state_machine_as_test

from tests.fuzz.conversation import Conversation
from tests.fuzz.corpus import work_folder
from tests.fuzz.report import Result

__all__ = ["run"]

_EXAMPLES = 20
_STEPS = 60


def run(target: str, seconds: float) -> Result:
    """Batches of examples until the time is over. A failure is shrunk by Hypothesis, told, and kept in its database."""
    began = time.monotonic()
    result, steps = Result(target), set[str]()
    how = settings(
        max_examples=_EXAMPLES, stateful_step_count=_STEPS, deadline=None, print_blob=True,
        suppress_health_check=list(HealthCheck), database=DirectoryBasedExampleDatabase(work_folder(target)),
        phases=[Phase.reuse, Phase.generate, Phase.shrink],
    )  # fmt: skip

    class Counted(Conversation):
        def __init__(self) -> None:
            result.cases += 1
            super().__init__()

        def teardown(self) -> None:
            steps.update(completion_kinds(self))
            super().teardown()

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


def completion_kinds(machine: Conversation) -> set[str]:
    """Which ways of being answered the last connection of an example has seen."""
    return {
        f"{asked.urb.is_in} {asked.cancelled} {asked.completions[0].status}"
        for asked in machine.asked
        if asked.completions
    }
