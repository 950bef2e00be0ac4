"""The steps of a walk, and walks as files: what a run on a rig leaves behind, and what is shrunk."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from wslusb.errors import LocalError, LocalReason

__all__ = ["DEVICE_STEPS", "LIFE_STEPS", "Limits", "Step", "Walk"]

SCHEMA = "wslusb.walk/1"


@dataclass(slots=True, frozen=True)
class Limits:
    """What the two numbers of a step may be, and the traits that its device needs."""

    size: int = 0
    smallest: int = 0
    count: int = 0
    traits: frozenset[str] = frozenset()


_SOURCE_SINK, _LOOPBACK = frozenset({"source-sink"}), frozenset({"bulk-loopback"})
DEVICE_STEPS: Mapping[str, Limits] = {
    "describe": Limits(size=18, smallest=1),
    "reset": Limits(),
    "memory": Limits(size=512, smallest=1, traits=_SOURCE_SINK),
    "read": Limits(size=4096, smallest=1, count=8, traits=_SOURCE_SINK),
    "send": Limits(size=4096, smallest=1, count=8, traits=_SOURCE_SINK),
    "race": Limits(size=4096, smallest=1, count=8, traits=_SOURCE_SINK),
    "echo": Limits(size=2048, smallest=1, count=8, traits=_LOOPBACK),
    "cancel": Limits(size=4096, smallest=1, count=8, traits=_LOOPBACK),
}
"""What is done with an attached device (:mod:`hil.stateful.player`)."""
LIFE_STEPS = ("attach", "detach", "replug", "kill_agent", "kill_service")
"""What becomes of it (:class:`hil.stateful.bench.Bench`)."""


@dataclass(slots=True, frozen=True)
class Step:
    """One thing to do: with ``count`` URBs of ``size`` bytes, where it is of that kind."""

    name: str
    size: int = 0
    count: int = 0

    def __str__(self) -> str:
        return " ".join(str(word) for word in (self.name, self.size, self.count) if word)

    @property
    def limits(self) -> Limits:
        """What its numbers may be."""
        return DEVICE_STEPS.get(self.name, Limits())


@dataclass(slots=True, frozen=True)
class Walk:
    """Steps in order, the faults that were injected meanwhile, and what was wrong in the end.

    ``plan`` is a plan of docs/faults.md, empty for none. ``facts`` are for people: rig, device, versions.
    """

    steps: tuple[Step, ...]
    traits: frozenset[str] = frozenset()
    plan: str = ""
    seed: int = 0
    violation: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    def having(self, steps: tuple[Step, ...]) -> Self:
        """The same with other steps."""
        return replace(self, steps=steps)

    def to_json(self) -> str:
        """For a file, one step a line."""
        head = {
            "schema": SCHEMA, "violation": self.violation, "facts": dict(self.facts), "traits": sorted(self.traits),
            "seed": self.seed, "plan": self.plan,
        }  # fmt: skip
        steps = ",\n".join(f"  {json.dumps([step.name, step.size, step.count])}" for step in self.steps)
        return json.dumps(head, indent=1)[:-2] + f',\n "steps": [\n{steps}\n ]\n}}\n'

    @classmethod
    def read(cls, path: Path) -> Self:
        """From a file. LocalError if it is none of these."""
        try:
            fields = json.loads(path.read_text(encoding="utf-8"))
            if fields["schema"] != SCHEMA:
                raise ValueError(f"the schema is {fields['schema']!r} and not {SCHEMA!r}")
            steps = tuple(_step(*words) for words in fields["steps"])
            return cls(
                steps, frozenset(fields["traits"]), str(fields["plan"]), int(fields["seed"]),
                str(fields["violation"]), dict(fields["facts"]),
            )  # fmt: skip
        except OSError as error:
            raise LocalError(LocalReason.NOT_FOUND, f"cannot read {path}: {error.strerror}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise LocalError(LocalReason.BAD_STATE, f"{path} is no walk: {error}") from error


def _step(name: str, size: int, count: int) -> Step:
    if name not in DEVICE_STEPS and name not in LIFE_STEPS:
        raise ValueError(f"there is no step {name!r}")
    return Step(name, int(size), int(count))
