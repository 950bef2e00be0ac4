"""When a replayed device answers: as soon as it can, or after as long as the captured one took."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import LocalError, LocalReason

__all__ = ["ASAP", "RECORDED", "Pace"]

_FACTOR = re.compile(r"(\d{1,4}(?:\.\d{1,6})?)x", re.ASCII)


@dataclass(slots=True, frozen=True)
class Pace:
    """``factor`` times the recorded duration: 0 is at once, 1 as it was, 10 ten times as slow."""

    factor: float

    @classmethod
    def parse(cls, text: str) -> Pace:
        """``asap``, ``recorded``, or a factor like ``0.1x``. LocalError for anything else."""
        if text in _NAMES:
            return _NAMES[text]
        match = _FACTOR.fullmatch(text)
        if match is None:
            raise LocalError(LocalReason.BAD_ADDRESS, f"{text!r} is not asap, recorded or a factor like 0.1x")
        return cls(float(match[1]))

    def seconds(self, recorded: float) -> float:
        """How long to take for what took so long."""
        return recorded * self.factor


ASAP, RECORDED = Pace(0.0), Pace(1.0)
_NAMES = {"asap": ASAP, "recorded": RECORDED}
