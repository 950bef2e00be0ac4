"""A rig while it is examined: its machines, as far as they can be had, and what has been found out already."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hil.errors import RigError
from hil.guided import Ask
from hil.live.rig import LiveRig
from hil.places.place import Place
from hil.rig.matching import find
from hil.rig.model import DeviceEntry, Rig
from wslusb.doctor.check import Finding, Outcome
from wslusb.usb.info import DeviceInfo

__all__ = ["Examination", "Side"]

Side = str
"""``host`` or ``guest``."""

_DOCTOR_SECONDS = 60.0


@dataclass(kw_only=True, eq=False)
class Examination:
    """``switch``: power may be switched. ``results`` is where a run would put its artefacts."""

    rig: Rig
    directory: Path
    results: Path
    switch: bool = False
    ask: Ask | None = None
    stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    places: dict[Side, Place] = field(default_factory=dict)
    up: LiveRig | None = None
    there: dict[Side, dict[str, Any]] = field(default_factory=dict)
    """What :mod:`hil.doctor.there` answered."""
    _findings: dict[Side, dict[str, Finding]] = field(default_factory=dict, init=False)

    @property
    def live(self) -> LiveRig:
        """The rig, up. RigError before that."""
        if self.up is None:
            raise RigError("the rig is not up")
        return self.up

    def place(self, side: Side) -> Place:
        """One of the machines. RigError if there is none yet."""
        if side not in self.places:
            raise RigError(f"there is no {side} yet")
        return self.places[side]

    def device(self, entry: DeviceEntry) -> DeviceInfo:
        """The device of an entry. DeviceAbsentError, AmbiguousDeviceError."""
        return find(entry, self.live.infos())

    def own_doctor(self, side: Side, check: str) -> Finding:
        """What ``wslusb doctor`` says on one side, of one of its checks."""
        if side not in self._findings:
            self._findings[side] = self._ask_doctor(side)
        return self._findings[side][check]

    def _ask_doctor(self, side: Side) -> dict[str, Finding]:
        place = self.place(side)
        words = ["-m", "wslusb", "doctor", "--role", side, "--json"]
        result = place.python(*words, check=False, timeout=_DOCTOR_SECONDS)
        try:
            checks = json.loads(result.stdout.strip().splitlines()[-1])["checks"]
        except (ValueError, KeyError, IndexError) as error:
            raise RigError(f"'wslusb doctor' on {place.name} said: {result.output.strip()[-300:]}") from error
        where = f"on {place.name}: "
        return {
            each["name"]: Finding(Outcome(each["outcome"]), each["text"], where + each["fix"] if each["fix"] else "")
            for each in checks
        }
