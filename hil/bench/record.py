"""What a benchmark has found: samples by measure and contender, their medians, a table, a JSON file."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import wslusb

__all__ = ["RESULTS", "Measure", "Report", "table"]

RESULTS = Path(__file__).resolve().parents[2] / "bench-results"


@dataclass
class Measure:
    """One quantity. ``samples[contender][i]`` was taken in round ``i``, close in time to the others of that round.

    ``ours`` over ``theirs`` is the ratio that counts; ``at_least`` or ``at_most`` is its mark, where there is one.
    """

    name: str
    unit: str
    samples: dict[str, list[float]] = field(default_factory=dict)
    ours: str = ""
    theirs: str = ""
    at_least: float | None = None
    at_most: float | None = None

    def add(self, contender: str, value: float) -> None:
        """Take note of a sample."""
        self.samples.setdefault(contender, []).append(value)

    def median(self, contender: str) -> float:
        """The middle one of a contender's samples."""
        return median(self.samples[contender])

    @property
    def ratio(self) -> float | None:
        """The median of the rounds' ratios: what slows a whole round down falls out."""
        if not (self.samples.get(self.ours) and self.samples.get(self.theirs)):
            return None
        return median(a / b for a, b in zip(self.samples[self.ours], self.samples[self.theirs], strict=False))

    @property
    def verdict(self) -> str:
        """How the ratio stands to its mark."""
        ratio = self.ratio
        if ratio is None:
            return ""
        if self.at_least is not None:
            return f"{'ok' if ratio >= self.at_least else 'short of'} >= {self.at_least}"
        if self.at_most is not None:
            return f"{'ok' if ratio <= self.at_most else 'over'} <= {self.at_most}"
        return ""

    def summary(self) -> dict[str, Any]:
        """Everything, for the file."""
        medians = {contender: self.median(contender) for contender in self.samples}
        return asdict(self) | {"medians": medians, "ratio": self.ratio, "verdict": self.verdict}


class Report:
    """All measures of one run. ``name`` begins the file's name."""

    def __init__(self, name: str, notes: Mapping[str, Any] | None = None) -> None:
        self.name = name
        self.started = datetime.now(UTC)
        self.load_before = _load()
        self.notes = dict(notes or {})
        self.measures: list[Measure] = []

    def as_json(self) -> dict[str, Any]:
        """The whole run."""
        return {
            "schema": "wslusb.bench/1",
            "name": self.name,
            "started": self.started.isoformat(timespec="seconds"),
            "seconds": round((datetime.now(UTC) - self.started).total_seconds(), 1),
            "command": ["python", "-m", "hil.bench", *sys.argv[1:]],
            "versions": {"wslusb": wslusb.__version__, "python": platform.python_version()},
            "system": f"{platform.system()} {platform.release()}",
            "cpus": os.cpu_count(),
            "load": {"before": self.load_before, "after": _load()},
            "notes": self.notes,
            "measures": [measure.summary() for measure in self.measures],
        }

    def save(self, directory: Path = RESULTS) -> Path:
        """Write the file, and say where it is."""
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"{self.name}-{self.started:%Y%m%dT%H%M%SZ}.json"
        path.write_text(json.dumps(self.as_json(), indent=1) + "\n")
        return path

    @property
    def warnings(self) -> list[str]:
        """What makes the figures doubtful."""
        cpus, load = os.cpu_count() or 1, self.load_before[:1]
        if load and load[0] > cpus / 2:
            return [
                f"others were busy here (load {load[0]} on {cpus} processors): rates are low, ratios unfair to wslusb"
            ]
        return []

    def lines(self) -> list[str]:
        """The table: a row a measure, a column a contender (medians), then the ratio and its mark."""
        contenders = list(dict.fromkeys(name for measure in self.measures for name in measure.samples))
        heads = ["", "unit", *contenders]
        with_ratio = any(measure.ratio is not None for measure in self.measures)
        rows = [heads + (["ratio", ""] if with_ratio else [])]
        for measure in self.measures:
            cells = [figure(measure.median(name)) if name in measure.samples else "" for name in contenders]
            ratio = [] if not with_ratio else ["" if measure.ratio is None else f"{measure.ratio:.2f}", measure.verdict]
            rows.append([measure.name, measure.unit, *cells, *ratio])
        return table(rows)


def figure(value: float) -> str:
    """A number with three digits that mean something."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines with aligned columns: the first two and the last to the left, numbers to the right."""
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    last = len(widths) - 1
    lines = []
    for row in rows:
        cells = (
            cell.ljust(width) if index < 2 or (index == last and not cell[:1].isdigit()) else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  ".join(cells).rstrip())
    return lines


def _load() -> list[float]:
    return [round(value, 2) for value in os.getloadavg()] if hasattr(os, "getloadavg") else []
