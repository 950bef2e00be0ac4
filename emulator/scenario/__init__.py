"""Devices that are written down: a TOML file (docs/scenarios.md), or the same rules in Python (``script.py``)."""

from __future__ import annotations

from .reader import kind, read, reads
from .scenario import Scenario

__all__ = ["Scenario", "kind", "read", "reads"]
