"""``pytest -n``: all tests of a device go to one worker, so that no two want it at once."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from xdist.remote import Producer
from xdist.scheduler.loadscope import LoadScopeScheduling

__all__ = ["ByDevice", "device_of"]

_PARAMETERS = re.compile(r"\[(.*)\]$")


def device_of(nodeid: str, names: Sequence[str]) -> str:
    """Which of the devices a test's id names among its parameters; the id itself if none."""
    found = _PARAMETERS.search(nodeid)
    words = f"-{found[1]}-" if found else ""
    fitting = [name for name in names if f"-{name}-" in words]
    return max(fitting, key=len, default=nodeid)


class ByDevice(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist is not typed
    """A worker takes a device after the other, with all of its tests."""

    def __init__(self, config: pytest.Config, log: Producer | None, names: Sequence[str]) -> None:
        super().__init__(config, log)
        self._names = names

    def _split_scope(self, nodeid: str) -> str:
        return device_of(nodeid, self._names)
