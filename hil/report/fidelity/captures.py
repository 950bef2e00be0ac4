"""How true an emulated device is to the real one: two captures of the same use against each other.

That one of the two was asked for more is told, and is no difference: it says nothing of the devices.
"""

from __future__ import annotations

from wslusb.replay.facts import Facts
from wslusb.replay.story import Story
from wslusb.replay.wildcards import Wildcards

from .control import compare_descriptors, compare_requests
from .findings import Fidelity
from .streams import compare_streams, endpoints

__all__ = ["compare"]


def compare(real: Story, emulated: Story, wildcards: Wildcards | None = None) -> Fidelity:
    """Hold two captures of a device against each other; ``wildcards`` are bytes that do not count."""
    facts = Facts.of(real), Facts.of(emulated)
    wild = wildcards or Wildcards()
    findings = [
        *compare_descriptors(*facts), *compare_requests(real, emulated, wild), *compare_streams(real, emulated, wild),
    ]  # fmt: skip
    return Fidelity(facts[0].title, facts[1].title, findings, endpoints(real, emulated))
