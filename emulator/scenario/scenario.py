"""A device that is written down: what it is and what it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from wslusb.errors import LocalError, LocalReason

from ..gadget import Gadget
from ..model import Model
from ..record import Record
from .check import lost_messages, problems
from .firmware import ScriptFirmware
from .script import Script

__all__ = ["Scenario"]


@dataclass(slots=True, kw_only=True)
class Scenario:
    """``reports`` are HID report descriptors by interface number."""

    gadget: Gadget
    script: Script = field(default_factory=Script)
    reports: Mapping[int, bytes] = field(default_factory=dict)
    name: str = ""
    summary: str = ""

    def check(self) -> None:
        """LocalError for a script that the device cannot follow."""
        for number, problem in problems(self.script, self.gadget):
            rule = self.script.rules[number]
            raise LocalError(LocalReason.BAD_STATE, f"{type(rule).__name__} {rule.name or number}: {problem}")
        for address in lost_messages(self.script, self.gadget):
            problem = f"the device has no bulk or interrupt OUT endpoint {address:#04x}"
            raise LocalError(LocalReason.BAD_STATE, f"messages: {problem}")

    def model(self, record: Record | None = None) -> Model:
        """The device. ``record`` is where it writes down what it was sent. LocalError as :meth:`check` says."""
        self.check()
        return Model(self.gadget, ScriptFirmware(self.script, self.gadget, self.reports, record))
