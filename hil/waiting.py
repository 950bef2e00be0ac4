"""Waiting for what has no event to wait for."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["poll"]

_LOOK_SECONDS = 0.02


def poll(condition: Callable[[], bool], seconds: float, what: str) -> float:
    """Wait until something holds; how many seconds that took. AssertionError if it does not come."""
    started = time.monotonic()
    while not condition():
        if time.monotonic() >= started + seconds:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        time.sleep(_LOOK_SECONDS)
    return time.monotonic() - started
