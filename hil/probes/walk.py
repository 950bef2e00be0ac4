"""The steps of a walk that are done with an attached device (hil/stateful/player.py)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hil.stateful.player import Player
from hil.stateful.steps import Step

from .opened import opened

__all__ = ["run"]


def run(
    target: str, busid: str, steps: Sequence[tuple[str, int, int]], traits: Sequence[str], patience: float
) -> list[dict[str, Any]]:
    """What was seen of each."""
    with opened(target, busid) as device:
        seen = Player(device, traits, patience).play(Step(*words) for words in steps)
    return [each.to_json() for each in seen]
