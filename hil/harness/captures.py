"""Captures as entries of a rig."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from pathlib import Path

from hil.rig.model import DeviceEntry, Match, PowerEntry, Safety
from hil.rig.traits import ANY, recognised
from wslusb.replay import ReplayProvider
from wslusb.replay.provider import Options

__all__ = ["entries_of"]

_STRANGE = re.compile(r"[^A-Za-z0-9_.-]")
_LONGEST = 60
"""Of :data:`hil.rig.keys.NAME`, less a number."""


def entries_of(captures: Sequence[str]) -> list[DeviceEntry]:
    """An entry for each ``FILE[,NAME=VALUE...]`` (docs/replay.md), called as its file is.

    LocalError for one that no device can be made of.
    """
    entries: dict[str, DeviceEntry] = {}
    for number, capture in enumerate(captures, 1):
        source = str(Path(capture).resolve())
        options = Options.parse(source)
        name = _STRANGE.sub("_", options.file.stem)[:_LONGEST]
        name = f"{name}-{number}" if name in entries else name
        entries[name] = _entry(name, source, options, number)
    return list(entries.values())


def _entry(name: str, source: str, options: Options, number: int) -> DeviceEntry:
    with contextlib.closing(ReplayProvider(options)) as provider:
        (info,) = provider.devices()
    return DeviceEntry(
        name=name, match=Match(port=f"8-{number}"), traits=frozenset({ANY, *recognised(info)}),
        safety=Safety.DESTRUCTIVE, power=PowerEntry("none"), source=source,
        allow=frozenset({"keyboard"}),  # nobody types on a capture
    )  # fmt: skip
