"""What the attacks on the host's side are made at: a live service with a loopback device, watched."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Self

from tests.fuzz.oracle import Watch
from tests.support.world import World

__all__ = ["Attacked"]


class Attacked:
    """Up between ``with`` and its end; the device is shared, and the service has worked once before it is watched."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="wslusb-")
        self._world = World(Path(self._folder.name))
        self._watch = Watch()

    def __enter__(self) -> Self:
        self._watch.__enter__()
        self._world.__enter__()
        self._world.service.bind("9-1")
        self._world.works()
        self._watch.begin()
        return self

    def __exit__(self, *_: object) -> None:
        self._world.service.close()
        self._watch.__exit__(None, None, None)
        self._folder.cleanup()
