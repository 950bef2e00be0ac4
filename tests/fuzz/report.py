"""What a target reports, and the table of a run."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

__all__ = ["Result", "table"]


@dataclass(slots=True)
class Result:
    """One target's run. ``coverage``: what the whole corpus reaches; ``new``: how much of it the seeds did not.

    Coverage is counted in edges of the Python code for guided targets, in kinds of behaviour (verdicts, log lines,
    answers) for live ones, in rules that were run for the stateful machine.
    """

    target: str
    cases: int = 0
    seconds: float = 0.0
    coverage: int = 0
    new: int = 0
    findings: list[str] = field(default_factory=list)

    def dump(self) -> str:
        """As one line."""
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, line: str) -> Result:
        """From :meth:`dump`."""
        return cls(**json.loads(line))


def table(results: Iterable[Result]) -> str:
    """The results for a person."""
    lines = [f"{'target':<14}{'cases':>9}{'seconds':>9}{'coverage':>10}{'new':>6}  findings"]
    for each in results:
        found = ", ".join(each.findings) or "none"
        lines.append(f"{each.target:<14}{each.cases:>9}{each.seconds:>9.1f}{each.coverage:>10}{each.new:>6}  {found}")
    return "\n".join(lines)
