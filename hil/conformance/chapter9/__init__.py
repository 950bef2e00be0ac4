"""The chapter-9 suite: what USB-IF's command verifiers test of any device, as far as a host's program can.

``CASES`` are in the order of running: reading first, then state, then what ought to be refused, then resets.
"""

from __future__ import annotations

from . import capabilities, descriptors, enumeration, features, refusals, state, status, strings, superspeed

__all__ = ["CASES"]

CASES = [
    *descriptors.CASES, *strings.CASES, *capabilities.CASES, *status.CASES, *state.CASES, *features.CASES,
    *refusals.CASES, *superspeed.CASES, *enumeration.CASES,
]  # fmt: skip
