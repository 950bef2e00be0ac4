"""The cases of :mod:`hil.conformance` on a device of either side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hil.conformance.case import Result
from hil.conformance.suites import examine

from .opened import opened

__all__ = ["run"]


def run(
    target: str, busid: str, suites: Sequence[str], cases: Sequence[str] = (), repeats: int = 3
) -> dict[str, dict[str, Any]]:
    """By the case's name: ``source`` (of its rule), ``outcome``, ``seen`` (what was wrong, or a remark)."""
    with opened(target, busid) as device:
        results = examine(device, suites, cases, repeats)
    return {f"{suite}: {each.case.name}": _row(each) for suite, found in results.items() for each in found}


def _row(result: Result) -> dict[str, Any]:
    return {"source": result.case.source, "outcome": result.outcome.value, "seen": result.seen}
