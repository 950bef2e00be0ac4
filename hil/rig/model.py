"""A rig as its file says it: who are host and guest, which devices there are, and what may be done to them."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hil.errors import RigError

__all__ = ["DeviceEntry", "Match", "PlaceEntry", "PowerEntry", "Rig", "Safety"]


class Safety(enum.IntEnum):
    """What a test does to a device, or the most that a device's owner allows; each includes those before it."""

    READ_ONLY = 0
    """Nothing that the device remembers: its data, settings and firmware stay as they are."""
    REVERSIBLE = 1
    """What the test itself takes back, or the device forgets at its next reset or power-cycle."""
    DESTRUCTIVE = 2
    """What was on the device may be lost."""

    @property
    def word(self) -> str:
        """As it stands in rig files: ``read-only``."""
        return self.name.lower().replace("_", "-")


@dataclass(slots=True, frozen=True)
class Match:
    """What a device is found by: everything that is given has to fit. ``port`` is a busid or a port path."""

    vid: int | None = None
    pid: int | None = None
    serial: str = ""
    port: str = ""

    def __bool__(self) -> bool:
        return self != Match()

    def __str__(self) -> str:
        numbers = ((name, number) for name, number in (("vid", self.vid), ("pid", self.pid)) if number is not None)
        words = [f"{name} {number:#06x}" for name, number in numbers]
        words += [f"{name} {text!r}" for name, text in (("serial", self.serial), ("port", self.port)) if text]
        return ", ".join(words) or "any device"


@dataclass(slots=True, frozen=True)
class PowerEntry:
    """How a device's power is switched; ``options`` are those of the kind (:data:`hil.rig.keys.POWER`)."""

    kind: str = "none"
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True, frozen=True)
class PlaceEntry:
    """Where host or guest is; ``options`` are those of the kind (:data:`hil.rig.keys.HOSTS`, ``GUESTS``)."""

    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True, frozen=True, kw_only=True)
class DeviceEntry:
    """One device of the rig file.

    ``traits`` has ``any``, as every device. ``options`` are those of its traits, by trait, sizes in bytes. ``allow``
    are kinds of devices that are refused without it (:mod:`hil.rig.safety`). ``leave_out`` are tests that are not run
    on it, with the reasons. ``source`` is what a virtual host plugs in. ``line`` is where the entry starts.
    """

    name: str
    match: Match = Match()
    traits: frozenset[str] = frozenset({"any"})
    safety: Safety = Safety.READ_ONLY
    power: PowerEntry = PowerEntry()
    fingerprint: str = ""
    limits: Mapping[str, float] = field(default_factory=dict)
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    allow: frozenset[str] = frozenset()
    leave_out: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    line: int = 0


@dataclass(slots=True, frozen=True, kw_only=True)
class Rig:
    """A rig file that has been read; ``path`` is where it was."""

    name: str
    host: PlaceEntry = PlaceEntry("local")
    guest: PlaceEntry = PlaceEntry("local")
    devices: tuple[DeviceEntry, ...] = ()
    path: Path = Path("rig.toml")

    def device(self, name: str) -> DeviceEntry:
        """The device that has this name; RigError with the names that there are if none has."""
        for entry in self.devices:
            if entry.name == name:
                return entry
        names = ", ".join(entry.name for entry in self.devices) or "no device at all"
        raise RigError(f"{self.path}: there is no device {name!r}", hint=f"there is {names}")
