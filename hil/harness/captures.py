"""Captures as entries of a rig."""

from __future__ import annotations

import contextlib
from pathlib import Path

from hil.rig.model import DeviceEntry, Match, PowerEntry, Safety
from hil.rig.traits import ANY, recognised
from wslusb.replay import ReplayProvider
from wslusb.replay.provider import Options

__all__ = ["entry_of"]


def entry_of(capture: Path, number: int) -> DeviceEntry:
    """The entry of the ``number``-th capture. LocalError for one that no device can be made of."""
    source = str(capture.resolve())
    with contextlib.closing(ReplayProvider(Options.parse(source))) as provider:
        (info,) = provider.devices()
    return DeviceEntry(
        name=capture.stem, match=Match(port=f"8-{number}"), traits=frozenset({ANY, *recognised(info)}),
        safety=Safety.DESTRUCTIVE, power=PowerEntry("none"), source=source,
    )  # fmt: skip
