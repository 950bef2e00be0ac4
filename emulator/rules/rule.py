"""What a rule is, and what it says when it is broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Finding", "Rule", "any_of", "apply"]

T = TypeVar("T")


@dataclass(slots=True, frozen=True)
class Rule(Generic[T]):
    """``broken`` answers None, or what the field is and what it should be.

    With ``strict=False`` it is something that hosts put up with.
    """

    field: str
    section: str
    broken: Callable[[T], str | None]
    strict: bool = True


@dataclass(slots=True, frozen=True)
class Finding:
    """A rule that is broken, and where. ``strict``: a device must not do that."""

    where: str
    field: str
    problem: str
    section: str
    strict: bool = True

    def __str__(self) -> str:
        return f"{self.where}: {self.field} {self.problem} ({self.section})"


def apply(rules: Sequence[Rule[T]], thing: T, where: str) -> Iterator[Finding]:
    """The rules that one thing breaks."""
    for rule in rules:
        problem = rule.broken(thing)
        if problem is not None:
            yield Finding(where, rule.field, problem, rule.section, rule.strict)


def any_of(values: Sequence[int]) -> str:
    """``8, 16 or 32``."""
    return " or ".join(filter(None, (", ".join(map(str, values[:-1])), str(values[-1]))))
