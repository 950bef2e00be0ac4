"""Devices that are written down: a TOML file (docs/scenarios.md), or the same rules in Python (:class:`Script`)."""

from __future__ import annotations

from pathlib import Path

from ..model import Kind
from ..options import bad

__all__ = ["kind"]


def kind(path: Path) -> Kind:
    """The device that a TOML file describes. LocalError if it cannot be read."""
    raise bad(f"{path}: scenarios cannot be read yet")
