"""What a case is, what it can come to, and how a suite of them is run."""

from __future__ import annotations

import enum
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from wslusb.errors import DeviceError
from wslusb.usb.urb import Status

from .subject import Failed, NotApplicable, Subject

__all__ = ["Case", "Cases", "Outcome", "Result", "run"]

Run = Callable[[Subject], str | None]


class Outcome(enum.Enum):
    """What a case came to."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not applicable"


@dataclass(slots=True, frozen=True)
class Case:
    """One test. ``source`` says where the rule is written, ``reason`` what is asked of the device."""

    name: str
    source: str
    reason: str
    run: Run


@dataclass(slots=True, frozen=True)
class Result:
    """What became of a case. ``seen``: what was wrong, why it does not apply, or a remark."""

    case: Case
    outcome: Outcome
    seen: str
    seconds: float


class Cases(list[Case]):
    """Cases in the order in which they are run: each is a function, its name and the first line of its docstring."""

    def case(self, source: str, number: str = "") -> Callable[[Run], Run]:
        """Decorates a function that returns for a pass (perhaps with a remark) and raises for anything else."""

        def add(function: Run) -> Run:
            name = f"{number} {function.__name__.replace('_', ' ')}".strip()
            self.append(Case(name, source, (function.__doc__ or "").partition("\n")[0], function))
            return function

        return add


def run(cases: Iterable[Case], subject: Subject) -> list[Result]:
    """Run the cases one after the other; each finds the device in its usual configuration.

    A device that is gone fails the case in which it went, and the rest is not tried.
    """
    results = []
    for case in cases:
        results.append(_run_one(case, subject))
        if subject.gone:
            break
    return results


def _run_one(case: Case, subject: Subject) -> Result:
    started = time.monotonic()
    outcome, seen = Outcome.PASSED, ""
    try:
        try:
            seen = case.run(subject) or ""
        finally:
            subject.restore()
    except NotApplicable as reason:
        outcome, seen = Outcome.NOT_APPLICABLE, str(reason)
    except Failed as failure:
        outcome, seen = Outcome.FAILED, str(failure)
    except DeviceError as error:
        subject.gone = subject.gone or error.status == Status.GONE
        outcome, seen = Outcome.FAILED, f"{Status(error.status).name}: {error}"
    return Result(case, outcome, seen, time.monotonic() - started)
