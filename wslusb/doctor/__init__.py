"""Checks of everything that wslusb needs, one small function each, and what to do where one fails."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from .check import CHECKS, Finding, Outcome, Result, Side
from .surroundings import Surroundings, side_of

__all__ = ["Finding", "Outcome", "Result", "Side", "Surroundings", "diagnose", "side_of"]


def diagnose(around: Surroundings, sides: Sequence[Side]) -> list[Result]:
    """Run the checks that apply to ``sides``, in a sensible order. A check that breaks is a finding, too."""
    from . import common, guest, host  # noqa: F401 -- they register their checks

    if sys.platform != "win32":
        from . import groups  # noqa: F401

    chosen = [check for check in CHECKS if set(check.sides) & set(sides)]
    return [check.run(around) for check in sorted(chosen, key=lambda check: check.order)]
