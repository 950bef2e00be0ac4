"""Waiting for what has no event to wait for."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 10.0
"""Seconds that anything may take. Only a failure takes that long."""


def until(condition: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """Look again and again; AssertionError if ``condition`` does not come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.002)
