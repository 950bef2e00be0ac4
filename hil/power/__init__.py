"""Switching a device's power, and seeing that it really went and really came back (docs/hil-power.md)."""

from __future__ import annotations

from .making import make
from .switch import PowerError, PowerSwitch, kept_on

__all__ = ["PowerError", "PowerSwitch", "kept_on", "make"]
