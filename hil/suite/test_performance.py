"""What the way through wslusb costs, as ratio to the same device on its host."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from hil.harness.fixtures import Both, Measure
from hil.live.device import LiveDevice
from hil.live.side import Side, probe
from hil.suite.loopbacks import loop_words

_REQUESTS = 300
_SIZES = (512, 4096, 16384, 65536, 262144, 1 << 20)
_DEPTHS = (1, 8)
_MIB = 1 << 20
_ROUNDS = 5
_MOST_TIMES = 12.0
"""Measured: 5, with seven times as many programs as processors."""


def test_latency(both: Both, measure: Measure, effort: float) -> None:
    """One GET_STATUS after the other."""
    native, passthrough = both.probe("latency", count=max(50, round(_REQUESTS * effort)))
    measure("latency", "us", native, passthrough, limit="latency")


@pytest.mark.one_device
@pytest.mark.safety("reversible")
def test_a_request_takes_little_more_than_the_way(dut: LiveDevice, passthrough: Side, measure: Measure) -> None:
    """GET_STATUS in the guest against a ping of the service: what is slow on the way is not the machines.

    In the best of some rounds and the fastest tenth of each: somebody else may need the processors, too.
    """
    address = dut.rig.address()
    ratios = []
    for _ in range(_ROUNDS):
        pings = probe(dut.rig.daemons, dut.rig.guest, "round_trips", address=address, count=_REQUESTS)
        requests = passthrough.probe("latency", count=_REQUESTS)
        ratios.append(_fast(requests) / _fast(pings))
    measure("requests to pings", "times", [], ratios)
    assert min(ratios) < _MOST_TIMES, f"a request takes {min(ratios):.1f} times as long as a ping of the service"


def _fast(times: Sequence[float]) -> float:
    return sorted(times)[len(times) // 10]


@pytest.mark.trait("bulk-loopback")
@pytest.mark.safety("reversible")
def test_bulk_latency(both: Both, dut: LiveDevice, measure: Measure, effort: float) -> None:
    """A packet of 64 bytes out, and the same one in."""
    native, passthrough = both.probe("echo_latency", count=max(50, round(_REQUESTS * effort)), **loop_words(dut))
    measure("bulk latency", "us", native, passthrough, limit="latency")


@pytest.mark.trait("source-sink")
@pytest.mark.safety("reversible")
def test_throughput(both: Both, measure: Measure, effort: float) -> None:
    """Bulk IN and OUT by size of URB, one and eight of them at a time."""
    native, passthrough = both.probe(
        "throughput", 600, sizes=_SIZES, depths=_DEPTHS, most=round(max(1, 4 * effort) * _MIB),
        samples=max(2, round(3 * effort)),
    )  # fmt: skip
    below = []
    for here, there in zip(native, passthrough, strict=True):
        rates = [[rate / _MIB for rate in each["rates"]] for each in (here, there)]
        name = f"throughput {here['direction']}, {here['depth']} at a time"
        try:
            measure(name, "MiB/s", *rates, better="higher", limit="throughput", size=here["size"])
        except AssertionError as error:
            below.append(str(error))
    assert not below, "; ".join(below)
