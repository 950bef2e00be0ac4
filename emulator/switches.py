"""Ports that another program switches: a file named as a port, in a folder, pulls that port's device out.

``WSLUSB_EMULATOR_PORTS=/run/ports wslusb serve --device emulator:storage``, then ``touch /run/ports/9-1``.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .provider import EmulatorProvider

__all__ = ["VARIABLE", "Switches"]

VARIABLE = "WSLUSB_EMULATOR_PORTS"
_POLL_SECONDS = 0.05


class Switches:
    """Watches the folder, by a thread of its own, until :meth:`close`."""

    def __init__(self, provider: EmulatorProvider, folder: Path) -> None:
        self._provider = provider
        self._folder = folder
        self._out: set[str] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="emulator-ports", daemon=True)
        self._thread.start()

    @classmethod
    def from_environment(cls, provider: EmulatorProvider) -> Switches | None:
        """Those that :data:`VARIABLE` asks for."""
        folder = os.environ.get(VARIABLE)
        return cls(provider, Path(folder)) if folder else None

    def close(self) -> None:
        """Stop watching; every port stays as it is."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(_POLL_SECONDS):
            wanted = {path.name for path in self._folder.glob("*-*")} & set(self._provider.ports)
            for port in wanted - self._out:
                self._provider.unplug(port)
            for port in self._out - wanted:
                self._provider.plug(port)
            self._out = wanted
