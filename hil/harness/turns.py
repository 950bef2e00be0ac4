"""``pytest -n`` with one guest for all workers: they take turns, since a test judges all of its guest's kernel."""

from __future__ import annotations

import contextlib
from collections.abc import Generator

import pytest
from filelock import FileLock

from hil.errors import RigError
from hil.harness.lifetime import Lifetime
from hil.rig import lock
from hil.rig.keys import VIRTUAL_GUEST
from hil.rig.model import Rig

__all__ = ["Turns", "share"]

_SAID = ("address", "distribution", "run")
"""The options that tell one guest of a kind from another."""


def share(config: pytest.Config, rig: Rig) -> None:
    """Keep other sessions out of a guest that was there before the run; its workers get it one after the other.

    LockedError if another session has it.
    """
    if rig.guest.kind == VIRTUAL_GUEST:
        return
    lifetime = config.stash[Lifetime.key]
    if not hasattr(config, "workerinput"):
        lifetime.keep(lock.hold(_name(rig)))
    else:
        turns = FileLock(lock.path_of(f"turns at {_name(rig)}"))  # the session has the guest alone
        config.pluginmanager.register(Turns(turns, lifetime))


def _name(rig: Rig) -> str:
    said = next((rig.guest.options[each] for each in _SAID if each in rig.guest.options), "this machine")
    return f"the guest {said if isinstance(said, str) else ' '.join(said)}"


class Turns:
    """The guest is one worker's from before a test until after it, and empty in between."""

    def __init__(self, lock: FileLock, lifetime: Lifetime) -> None:
        self._lock = lock
        self._lifetime = lifetime

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self) -> Generator[None, object, object]:
        """Around everything, pytest-timeout's clock too: waiting for one's turn is not the test's time."""
        with self._lock:
            try:
                return (yield)
            finally:
                if self._lifetime.is_up:
                    with contextlib.suppress(RigError):  # the next test of this worker meets the same, and says so
                        self._lifetime.live.daemons.stop()
