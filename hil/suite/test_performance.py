"""What the way through wslusb costs, as ratio to the same device on its host."""

from __future__ import annotations

from hil.harness.fixtures import Both, Measure

_REQUESTS = 300


def test_latency(both: Both, measure: Measure, effort: float) -> None:
    """One GET_STATUS after the other."""
    native, passthrough = both.probe("latency", count=max(50, round(_REQUESTS * effort)))
    measure("latency", "us", native, passthrough, limit="latency")
