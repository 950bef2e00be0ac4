"""What shows only after a while: many URBs on one attachment, many guests that come and go, and nothing to do."""

from __future__ import annotations

import time

import pytest

from hil.harness.fixtures import Measure
from hil.leaks import Consumption, cpu_seconds, sample
from hil.live.device import LiveDevice
from hil.live.side import probe
from wslusb.wire.limits import CONNECTIONS_PER_PEER, DEAD_AFTER_PINGS, PING_SECONDS

pytestmark = pytest.mark.safety("reversible")

_URBS, _LEAST_URBS, _WARM_UP = 70_000, 8_000, 3_000
"""More than two bytes count."""
_LENGTH, _DEPTH = 1024, 32
_URB_SECONDS = 900.0
_MEMORY_KIB, _MEMORY_KIB_A_URB = 3072, 0.25
"""What an allocator may take more for no reason, and what no URB may leave behind."""
_LOG_BYTES = 10_000
_IDLE_SECONDS = PING_SECONDS * (DEAD_AFTER_PINGS + 1) + 3
_CPU_SHARE = 0.05


@pytest.mark.trait("source-sink")
def test_many_urbs(dut: LiveDevice, uncaptured: None, measure: Measure, effort: float) -> None:
    """Nothing is left behind by a URB, in memory or in a log, and no count of them comes to its end."""
    side = dut.passthrough()
    processes = dut.rig.processes()

    def state() -> dict[str, tuple[Consumption, int]]:
        return {name: (sample(*process), len(process[1].output)) for name, process in processes.items()}

    urbs = max(_LEAST_URBS, round(_URBS * effort))
    side.probe("many", _URB_SECONDS, count=_WARM_UP, length=_LENGTH, depth=_DEPTH)
    before = state()
    assert side.probe("many", _URB_SECONDS, count=urbs, length=_LENGTH, depth=_DEPTH) == {"OK": urbs}
    for name, (after, written) in state().items():
        consumption, had_written = before[name]
        more = after.memory - consumption.memory
        measure(f"memory that a URB leaves in the {name}", "bytes", [], [1024 * more / urbs])
        assert more <= _MEMORY_KIB + _MEMORY_KIB_A_URB * urbs, f"{name}: {more} KiB more after {urbs} URBs"
        assert after.threads <= consumption.threads, f"{name}: {after.threads} threads, {consumption.threads} before"
        assert after.descriptors <= consumption.descriptors, f"{name}: {after.descriptors} open files"
        assert written - had_written < _LOG_BYTES, f"{name}: it has logged {written - had_written} bytes of {urbs} URBs"
    assert dut.is_attached(), "the device has left the guest"


@pytest.mark.one_device
def test_guests_come_and_go(dut: LiveDevice) -> None:
    """So many connections as a guest may have at a time have come and gone, and the next one is served."""
    daemons = dut.rig.daemons
    before = dut.passthrough().probe("descriptors")
    count = CONNECTIONS_PER_PEER + 2
    assert probe(daemons, daemons.guest, "connections", address=dut.rig.address(), count=count) == count
    dut.detach()
    assert dut.passthrough().probe("descriptors") == before


@pytest.mark.one_device
def test_nothing_to_do(dut: LiveDevice, measure: Measure) -> None:
    """A device that nobody uses stays for longer than a silent peer would, and neither daemon is busy meanwhile."""
    side = dut.passthrough()
    before = side.probe("descriptors")
    processes = dut.rig.processes()
    used = {name: cpu_seconds(*process) for name, process in processes.items()}
    started = time.monotonic()
    time.sleep(_IDLE_SECONDS)
    for name, process in processes.items():
        share = (cpu_seconds(*process) - used[name]) / (time.monotonic() - started)
        measure(f"processor that the {name} takes with nothing to do", "%", [], [100 * share])
        assert share < _CPU_SHARE, f"{name}: it takes {share:.0%} of a processor with nothing to do"
    assert dut.is_attached(), f"the device has left the guest within {_IDLE_SECONDS:.0f} s in which nobody used it"
    assert side.probe("descriptors") == before
