"""What tests of the suite ask for: a device, its two sides, a place to write down what was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from hil.errors import RigError, WantingError
from hil.harness import observers
from hil.harness.admission import SET_ASIDE, admitted
from hil.harness.evidence import COMPARISON, KEPT, MEASUREMENTS, NOTES
from hil.harness.lifetime import Lifetime
from hil.harness.running import DEVICE
from hil.harness.selecting import wanted_safety
from hil.harness.tracing import traced
from hil.live.device import LiveDevice
from hil.live.rig import LiveRig
from hil.live.side import PROBE_SECONDS, Side
from hil.report.comparing import comparison
from hil.report.plots import broken
from hil.report.results import Better, Measurement
from hil.rig import safety
from hil.rig.keys import VIRTUAL_HOSTS

__all__ = [
    "Both",
    "Keep",
    "Measure",
    "Note",
    "both",
    "companion",
    "dut",
    "effort",
    "keep",
    "live",
    "measure",
    "native",
    "note",
    "passthrough",
    "uncaptured",
]

Keep = Callable[[str, bytes], None]
Measure = Callable[..., Measurement]
Note = Callable[[str], None]


@pytest.fixture
def live(request: pytest.FixtureRequest) -> LiveRig:
    """The rig, with both daemons running."""
    lifetime = request.config.stash[Lifetime.key]
    lifetime.revive()
    lifetime.live.daemons.ready()
    lifetime.watch()
    return lifetime.live


@pytest.fixture
def dut(request: pytest.FixtureRequest) -> Iterator[LiveDevice]:
    """The device under test. What its owner does not allow is skipped; what is not there fails."""
    if request.param is None:
        raise WantingError(request.node.get_closest_marker("no_device").args[0])
    request.getfixturevalue("live")
    device = admitted(request.node, request.param)
    with traced(request.node, device):
        yield device


@pytest.fixture
def companion(dut: LiveDevice, request: pytest.FixtureRequest) -> LiveDevice:
    """Another device of the rig, for a test of two at a time. WantingError if there is none that may be used."""
    rig, node = dut.rig.rig, request.node
    if hasattr(request.config, "workerinput") and rig.host.kind not in VIRTUAL_HOSTS:
        raise WantingError("with -n, every other device is another worker's")
    for entry in rig.devices:
        if entry.name != dut.name and safety.may(entry, wanted_safety(node), ()) is None:
            try:
                return admitted(node, entry)
            except (RigError, pytest.skip.Exception, pytest.fail.Exception):
                continue
            finally:
                node.stash[DEVICE], node.stash[SET_ASIDE] = dut, False
    raise WantingError("the rig has no other device that may be used")


@pytest.fixture
def uncaptured(live: LiveRig) -> Iterator[None]:
    """Neither daemon records what goes on while the test runs; so its failure comes without captures."""
    observers.drop_rings(live)
    yield
    if live.daemons.running:
        observers.keep_rings(live)


@pytest.fixture
def native(dut: LiveDevice) -> Side:
    """The device on its host."""
    return dut.native()


@pytest.fixture
def passthrough(dut: LiveDevice) -> Side:
    """The device in the guest. Use it alone: a test that needs both sides takes ``both``."""
    return dut.passthrough()


class Both:
    """The device on one side after the other: it can be on one at a time."""

    def __init__(self, device: LiveDevice, item: pytest.Item) -> None:
        self._device = device
        self._item = item

    def __iter__(self) -> Iterator[Side]:
        yield self._device.native()
        yield self._device.passthrough()

    def with_kernel(self) -> Iterator[Side]:
        """Those on which drivers of a kernel have it, one after the other."""
        return (side for side in self if side.has_kernel)

    def probe(self, name: str, seconds: float = PROBE_SECONDS, **words: Any) -> tuple[Any, Any]:
        """What a probe says natively, and in the guest."""
        native, passthrough = (side.probe(name, seconds, **words) for side in self)
        if native != passthrough:
            self._item.stash[COMPARISON] = comparison(f"probe {name}", native, passthrough)
        return native, passthrough


@pytest.fixture
def both(dut: LiveDevice, request: pytest.FixtureRequest) -> Both:
    """The device natively, then in the guest."""
    return Both(dut, request.node)


@pytest.fixture
def effort(request: pytest.FixtureRequest) -> float:
    """How long what repeats is to be repeated; 1 is the usual."""
    return float(request.config.getoption("--effort"))


@pytest.fixture
def keep(request: pytest.FixtureRequest) -> Keep:
    """Have a file, by its name, in the test's folder if it fails."""
    kept: dict[str, bytes] = request.node.stash.setdefault(KEPT, {})
    return kept.__setitem__


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Note:
    """Have the report say something of the device itself, which is no failure: a sentence."""
    notes: list[str] = request.node.stash.setdefault(NOTES, [])
    return notes.append


@pytest.fixture
def measure(request: pytest.FixtureRequest) -> Measure:
    """Write down a quantity of both sides; it must keep the limit of the rig file, if that has one of this name."""
    item = request.node
    entry = item.callspec.params.get("dut")
    limits = entry.limits if entry is not None else {}

    def take(
        name: str, unit: str, native: Sequence[float], passthrough: Sequence[float], *, better: str = "lower",
        limit: str = "", **at: float | str,
    ) -> Measurement:  # fmt: skip
        taken = Measurement.of(
            name, unit, native, passthrough, limit=limits.get(limit), better=Better(better), at=at
        )  # fmt: skip
        item.stash.setdefault(MEASUREMENTS, []).append(taken)
        if COMPARISON in item.stash:
            del item.stash[COMPARISON]  # of samples, which are never the same
        if taken.within is False:
            raise AssertionError(broken(taken))
        return taken

    return take
