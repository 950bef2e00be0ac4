"""Waiting for what has no event to wait for."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["TooLateError", "poll"]

_LOOK_SECONDS = 0.02


class TooLateError(AssertionError):
    """What was waited for has not come."""


def poll(condition: Callable[[], bool], seconds: float, what: str) -> float:
    """Wait until something holds; how many seconds that took. TooLateError if it does not come."""
    started = time.monotonic()
    while not condition():
        if time.monotonic() >= started + seconds:
            raise TooLateError(f"not within {seconds:.0f} s: {what}")
        time.sleep(_LOOK_SECONDS)
    return time.monotonic() - started
