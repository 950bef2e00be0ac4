"""The result of a comparison: what is not the same, and each endpoint's use on both sides, as text and as JSON."""

from __future__ import annotations

import dataclasses
import enum
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

__all__ = ["EndpointUse", "Fidelity", "Finding", "Verdict"]


class Verdict(enum.StrEnum):
    """What a finding means. ``not asked``: one of the two only, so nothing is known of the other."""

    DIFFERENCE = "difference"
    EXPECTED = "expected"
    NOT_ASKED = "not asked"
    SAME = "same"


@dataclass(slots=True)
class Finding:
    """One thing of both."""

    verdict: Verdict
    where: str
    what: str = ""
    real: str = ""
    emulated: str = ""


@dataclass(slots=True)
class EndpointUse:
    """What one capture says of an endpoint. ``lengths``: how many URBs moved so many bytes. ``times``: microseconds."""

    urbs: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    lengths: dict[int, int] = field(default_factory=dict)
    short: int = 0
    times: dict[str, float] = field(default_factory=dict)

    @property
    def told(self) -> str:
        """How its URBs ended."""
        return ", ".join(f"{status} {count:,}" for status, count in self.statuses.items())


@dataclass(slots=True)
class Fidelity:
    """The comparison of two. ``endpoints``: real and emulated by name; None for one that a capture does not use."""

    real: str
    emulated: str
    findings: list[Finding] = field(default_factory=list)
    endpoints: dict[str, tuple[EndpointUse | None, EndpointUse | None]] = field(default_factory=dict)

    def of(self, verdict: Verdict) -> list[Finding]:
        """The findings of one kind."""
        return [finding for finding in self.findings if finding.verdict is verdict]

    @property
    def compared(self) -> int:
        """How many things both were asked for."""
        return len(self.findings) - len(self.of(Verdict.NOT_ASKED))

    @property
    def differences(self) -> int:
        """How many of them the emulated device did in another way."""
        return len(self.of(Verdict.DIFFERENCE))

    @property
    def sentence(self) -> str:
        """The result for a person."""
        if not self.compared:
            return "Nothing can be compared: the two have no request in common."
        if not self.differences:
            return f"The emulated device did what the real one did, in all {self.compared} things that both were asked."
        return f"The emulated device differs from the real one in {self.differences} of {self.compared} things."

    def as_text(self) -> str:
        """Lines for a terminal: what differs first; what is the same is counted."""
        lines = [f"real:     {self.real}", f"emulated: {self.emulated}", ""]
        for verdict in (Verdict.DIFFERENCE, Verdict.EXPECTED, Verdict.NOT_ASKED):
            for finding in self.of(verdict):
                lines.append(f"{verdict}: {finding.where}: {finding.what}")
                lines += [f"  {sign} {told}" for sign, told in (("-", finding.real), ("+", finding.emulated)) if told]
        lines += [*self._table(), "", self.sentence]
        return "\n".join(lines)

    def _table(self) -> Iterator[str]:
        for name, sides in self.endpoints.items():
            for side, use in zip(("real", "emulated"), sides, strict=True):
                if use is None:
                    yield f"{name:22} {side:9} not used"
                    continue
                times = ", ".join(f"{key} {value:,.0f} us" for key, value in use.times.items())
                yield f"{name:22} {side:9} {use.urbs:6,} URBs: {use.told}; {use.short:,} short; {times}"

    def as_json(self) -> dict[str, Any]:
        """Everything, for programs."""
        head = {"schema": "wslusb.fidelity/1", "differences": self.differences, "compared": self.compared}
        return {**head, **dataclasses.asdict(self)}

    def json_text(self) -> str:
        """The same as a file's text."""
        return json.dumps(self.as_json(), indent=1) + "\n"
