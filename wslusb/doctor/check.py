"""What a check is, what it finds, and the register of all of them."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .surroundings import Surroundings

__all__ = ["CHECKS", "Check", "Finding", "Outcome", "Result", "Side", "check", "failed", "passed", "skipped", "warned"]


class Side(enum.Enum):
    """Which side a check applies to."""

    HOST = "host"
    GUEST = "guest"


class Outcome(enum.Enum):
    """How a check came out. Only FAIL makes the whole diagnosis a bad one."""

    PASS = "pass"  # noqa: S105 -- not a password
    WARNING = "warning"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(slots=True, frozen=True)
class Finding:
    """An outcome, what was seen, and what to do about it."""

    outcome: Outcome
    text: str
    fix: str = ""


@dataclass(slots=True, frozen=True)
class Result:
    """A finding with the name of its check."""

    name: str
    title: str
    finding: Finding


CheckFunction = Callable[["Surroundings"], Finding]


@dataclass(slots=True, frozen=True)
class Check:
    """A registered check."""

    order: int
    name: str
    title: str
    sides: tuple[Side, ...]
    function: CheckFunction

    def run(self, around: Surroundings) -> Result:
        """Look. A check that cannot look says so."""
        try:
            finding = self.function(around)
        except Exception as error:  # noqa: BLE001 -- the other checks are still worth their answers
            finding = warned(f"it could not be checked: {type(error).__name__}: {error}")
        return Result(self.name, self.title, finding)


CHECKS: list[Check] = []
"""All checks. The modules of this package fill it as they are imported."""


def check(order: int, title: str, *sides: Side) -> Callable[[CheckFunction], CheckFunction]:
    """Register a function as a check of ``sides``; the order is that of what is to be mended first."""

    def register(function: CheckFunction) -> CheckFunction:
        CHECKS.append(Check(order, function.__name__, title, sides, function))
        return function

    return register


def passed(text: str) -> Finding:
    """All is well."""
    return Finding(Outcome.PASS, text)


def failed(text: str, fix: str) -> Finding:
    """It will not work like this."""
    return Finding(Outcome.FAIL, text, fix)


def warned(text: str, fix: str = "") -> Finding:
    """It may not work like this."""
    return Finding(Outcome.WARNING, text, fix)


def skipped(text: str) -> Finding:
    """It does not matter here."""
    return Finding(Outcome.SKIP, text)
