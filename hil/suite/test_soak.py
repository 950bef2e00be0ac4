"""All that a device can, again and again: a few seconds by default, a night with ``--effort 3000``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hil.harness.fixtures import Measure
from hil.harness.observers import RING
from hil.health import COMPLAINTS, hung, taken_ports
from hil.leaks import Consumption, leaked, sample, slope
from hil.live.device import LiveDevice
from hil.live.side import Side
from hil.suite.disks import MIB, units
from hil.suite.loopbacks import loop_words

pytestmark = pytest.mark.safety("reversible")

_SECONDS = 10.0
_CHUNK = 65536
_WARM_UP, _LEAST = 1, 3
"""Rounds: what is made once is made in the first ones; fewer than so many show no leak."""
_MEMORY_KIB = int(RING.rstrip("M")) * 1024 + 8192
"""What the ring of the last URBs may take (hil/harness/observers.py), and the allocator's own."""


def _uses(side: Side, dut: LiveDevice) -> Iterator[tuple[str, Callable[[], Any]]]:
    """What is done in each round, by name."""
    yield "descriptors", lambda: side.probe("descriptors")
    yield "requests", lambda: len(side.probe("latency", count=50))
    yield "cancels", lambda: [each["wrong"] for each in side.probe("unlink", rounds=2, seed=1)]
    if dut.has("bulk-loopback"):
        yield "data", lambda: side.probe("unlink_load", writes=20, seed=1, **loop_words(dut))["same"]
    if dut.has("source-sink"):
        yield "resets", lambda: side.probe("reset_load", rounds=1)["after"]
    if dut.has("storage"):
        yield "disks", lambda: [each.do(["read", 0, MIB, _CHUNK]) for each in units(side) if each.size]


def _round(dut: LiveDevice) -> dict[str, Any]:
    """Attached, used, detached; what each use said."""
    said = {name: use() for name, use in _uses(dut.passthrough(), dut)}
    dut.detach()
    return said


def test_soak(dut: LiveDevice, measure: Measure, effort: float) -> None:
    """Nothing leaks, nobody complains, and each round says what the first one said."""
    daemons = dut.rig.daemons
    said_before = {name: set(place.dmesg().splitlines()) for name, place in daemons.places.items()}
    first = _round(dut)
    processes = dut.rig.processes()
    samples: dict[str, list[Consumption]] = {name: [] for name in processes}
    deadline, rounds = time.monotonic() + _SECONDS * effort, 0
    while rounds < _WARM_UP + _LEAST or time.monotonic() < deadline:
        rounds += 1
        again = _round(dut)
        assert again == first, f"round {rounds} is not as the first: {_different(first, again)}"
        if rounds > _WARM_UP:
            for name, process in processes.items():
                samples[name].append(sample(*process))
    for name, taken in samples.items():
        measure(f"memory of the {name}", "KiB", [], [each.memory for each in taken])
        measure(f"slope of the {name}'s memory", "KiB a round", [], [slope([each.memory for each in taken])])
    leaks = [f"{name}: {leak}" for name, taken in samples.items() for leak in leaked(taken, _MEMORY_KIB)]
    assert not leaks, "; ".join(leaks)
    for name, place in daemons.places.items():
        new = [line for line in place.dmesg().splitlines() if line not in said_before[name]]
        complaints = [line for line in new if COMPLAINTS.search(line)]
        assert not complaints, f"the kernel of {name} complains: {complaints[0]}"
    assert not taken_ports(dut.rig.guest)
    assert not hung(dut.rig.guest)


def _different(first: dict[str, Any], again: dict[str, Any]) -> str:
    return "; ".join(
        f"{name}: {again[name]} where {said} is due" for name, said in first.items() if again[name] != said
    )
