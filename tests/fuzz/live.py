"""Random cases against a live program, led by what it does: a case that makes it do something new is kept."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from tests.fuzz.agent_attack import AgentAttack
from tests.fuzz.cases import findings, folder_of_findings, keep, packed, work_folder
from tests.fuzz.control_attack import ControlAttack
from tests.fuzz.mutation import describe, random_case, shorter
from tests.fuzz.oracle import HANG_SECONDS, Finding, Slow
from tests.fuzz.relay_attack import RelayAttack
from tests.fuzz.report import Result
from tests.fuzz.service_attack import ServiceAttack

__all__ = ["ATTACKS", "PLAIN", "run"]

PLAIN = (b"\0", b"\1", b"\2", b"\3")
"""The conversations as they should be."""
_TRIES = 3


class Attack(AbstractContextManager["Attack"], Protocol):
    """A program under attack."""

    def __call__(self, case: bytes) -> set[str]:
        """Run a case: kinds of behaviour that were seen. Finding for what must not be."""


ATTACKS: Mapping[str, Callable[[], Attack]] = {
    "service": ServiceAttack, "agent": AgentAttack, "relay": RelayAttack, "control": ControlAttack,
}  # fmt: skip


def run(target: str, seconds: float, *, shrink: bool = True) -> Result:
    """Attack for some time. What is found is made small and kept, and ends the run."""
    began = time.monotonic()
    run = _Run(target, began + seconds)
    while not run.result.findings and time.monotonic() < run.end:
        found = run.attack()
        if found is not None and (name := _confirmed(target, *found, shrink=shrink)):
            run.result.findings.append(name)
    run.result.coverage, run.result.new = len(run.seen), len(run.seen) - run.seeds
    run.result.seconds = time.monotonic() - began
    return run.result


class _Run:
    """The cases of a run; after a finding the program is no longer whole, and another takes its place."""

    def __init__(self, target: str, end: float) -> None:
        self.result, self.seen, self.seeds = Result(target), set[str](), 0
        self.end = end
        self._numbers = random.Random()
        kept = [path.read_bytes() for path in (*findings(target), *sorted(work_folder(target).iterdir()))]
        self._corpus = [*kept, *packed(target)]
        self._todo = [*self._corpus, *reversed(PLAIN)]

    def attack(self) -> tuple[bytes, Finding] | None:
        """Cases to the end of the time, or to a finding: that case, and what it did."""
        case = b""
        try:
            with ATTACKS[self.result.target]() as program:
                while time.monotonic() < self.end:
                    case = self._todo.pop() if self._todo else random_case(self._numbers, self._corpus)
                    self._try(program, case)
        except Finding as error:
            return case, error
        return None

    def _try(self, program: Attack, case: bytes) -> None:
        self.result.cases += 1
        began = time.monotonic()
        fresh = program(case) - self.seen
        self.seen |= fresh
        if case in PLAIN:
            self.seeds = len(self.seen)
        elif fresh:
            self._corpus.append(case)
            keep(work_folder(self.result.target), [case])
        if time.monotonic() - began > HANG_SECONDS:
            raise Slow(f"the case took {time.monotonic() - began:.1f} s")


def _confirmed(target: str, case: bytes, error: Finding, *, shrink: bool) -> str:
    """Make a finding small and keep it; its name. Empty for what was slow once and is not again."""
    again = None
    for _ in range(_TRIES):
        again = again or _fails(target, case)
    if again is None:
        sys.stderr.write(f"{target}: not again in a program of its own: {error}\n  {describe(case)}\n")
        if isinstance(error, Slow):
            return ""
    smaller = shrink and again is not None
    while smaller:
        smaller = False
        for less in shorter(case):
            if (again := _fails(target, less)) is not None:
                case, error, smaller = less, again, True
                break
    (path,) = keep(folder_of_findings(target), [case], "finding-")
    sys.stderr.write(f"{target}: {path.name}: {error}\n  {describe(case)}\n")
    return path.name


def _fails(target: str, case: bytes) -> Finding | None:
    try:
        with ATTACKS[target]() as attack:
            attack(case)
    except Finding as error:
        return error
    return None
