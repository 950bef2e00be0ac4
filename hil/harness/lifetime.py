"""The rig of a session: brought up when the first test asks for it, down when the last one is through."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import pytest

from hil.errors import RigError
from hil.folders import prefix
from hil.guided import Ask
from hil.harness import observers
from hil.live.opening import opened
from hil.live.rig import LiveRig
from hil.rig.model import Rig
from hil.vm.machine import Machine

__all__ = ["Lifetime"]


class Lifetime:
    """Holds what is open. A rig that did not come up once is not tried again: each test gets the same error."""

    key = pytest.StashKey["Lifetime"]()

    def __init__(self, rig: Rig | None, ask: Ask | None = None) -> None:
        self.rig = rig
        self._ask = ask
        self._rig_stack = contextlib.ExitStack()
        self._stack = contextlib.ExitStack()
        self._live: LiveRig | None = None
        self._error: RigError | None = None
        self._watched: object = None
        self.admitted: dict[str, str] = {}
        """The devices that tests have had, and why one is in quarantine ("" if it is not)."""
        self.keys: dict[str, str] = {}
        """By what those of real hardware are locked and remembered, whatever they say of themselves later."""

    @property
    def live(self) -> LiveRig:
        """The rig, up. RigError if it does not come up."""
        if self._error is not None:
            raise self._error
        if self._live is None:
            try:
                self._live = self._open()
            except RigError as error:
                self._error = error
                raise
        return self._live

    @property
    def is_up(self) -> bool:
        """Whether a test has asked for it, with success."""
        return self._live is not None

    def revive(self) -> None:
        """Before a test: if a virtual machine of the rig has died, all of it is started anew."""
        if self._live is not None and any(
            isinstance(place, Machine) and not place.alive for place in self._live.daemons.places.values()
        ):
            self._take_down()

    def _take_down(self) -> None:
        self._live = self._watched = None
        self._rig_stack.close()

    def _open(self) -> LiveRig:
        if self.rig is None:
            raise RigError("there is no rig file")
        directory = Path(self._rig_stack.enter_context(tempfile.TemporaryDirectory(prefix=prefix("rig"))))
        live = self._rig_stack.enter_context(opened(self.rig, directory, self._ask))
        live.daemons.ready()
        return live

    def watch(self) -> None:
        """Have daemons that are new since the last test keep what goes on."""
        live = self.live
        running = (live.daemons.service, live.daemons.agent)
        if running != self._watched:
            observers.keep_rings(live)
            self._watched = running

    def keep(self, held: contextlib.AbstractContextManager[object]) -> None:
        """Hold something until the end, too: a device's lock."""
        self._stack.enter_context(held)

    def close(self) -> None:
        """Let go of everything."""
        with self._stack:
            self._take_down()
