"""Random cases against a live program, led by what it does: a case that makes it do something new is kept."""

from __future__ import annotations

import random
import sys
import time
from contextlib import AbstractContextManager
from typing import Protocol

from tests.fuzz.agent_attack import AgentAttack
from tests.fuzz.control_attack import ControlAttack
from tests.fuzz.corpus import findings, folder_of_findings, keep, packed, work_folder
from tests.fuzz.mutation import describe, random_case, shorter
from tests.fuzz.oracle import Finding
from tests.fuzz.relay_attack import RelayAttack
from tests.fuzz.report import Result
from tests.fuzz.service_attack import ServiceAttack

__all__ = ["ATTACKS", "PLAIN", "run"]

PLAIN = (b"\0", b"\1", b"\2", b"\3")
"""The conversations as they should be."""


class Attack(AbstractContextManager["Attack"], Protocol):
    """A program under attack."""

    def __call__(self, case: bytes) -> set[str]:
        """Run a case: kinds of behaviour that were seen. Finding for what must not be."""


ATTACKS = {"service": ServiceAttack, "agent": AgentAttack, "relay": RelayAttack, "control": ControlAttack}


def run(target: str, seconds: float, *, shrink: bool = True) -> Result:
    """Attack for some time. After a finding the program is no longer whole: it is shrunk, kept, and the run ends."""
    began = time.monotonic()
    numbers = random.Random()
    result, seen = Result(target), set[str]()
    with ATTACKS[target]() as attack:
        for case in PLAIN:
            seen |= attack(case)
        seeds = len(seen)
        corpus = [path.read_bytes() for path in (*findings(target), *sorted(work_folder(target).iterdir()))]
        corpus += packed(target)
        todo = list(corpus)
        while time.monotonic() - began < seconds and not result.findings:
            case = todo.pop() if todo else random_case(numbers, corpus)
            result.cases += 1
            slow = time.monotonic()
            try:
                fresh = attack(case) - seen
            except Finding as error:
                result.findings.append(_found(target, case, error, shrink=shrink))
                break
            if fresh:
                seen |= fresh
                corpus.append(case)
                keep(work_folder(target), [case])
            if time.monotonic() - slow > 2:
                result.findings.append(_found(target, case, Finding("it took more than two seconds"), shrink=shrink))
    result.coverage, result.new = len(seen), len(seen) - seeds
    result.seconds = time.monotonic() - began
    return result


def _found(target: str, case: bytes, error: Finding, *, shrink: bool) -> str:
    """Make a finding small and keep it; its name."""
    smaller = shrink
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
