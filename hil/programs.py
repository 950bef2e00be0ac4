"""Python programs in the places of a rig: by a zygote (:mod:`hil.zygote`) where one can be, else by an interpreter."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hil.errors import RigError
from hil.folders import prefix
from hil.places.place import Place, PlaceProcess
from hil.places.shell import ShellPlace
from hil.vm.machine import PROJECT, Machine
from hil.vm.remote import Result
from hil.zygote import asking

__all__ = ["Programs", "terminate"]


_END_SECONDS = 15.0


def terminate(process: PlaceProcess) -> Result:
    """SIGTERM, and how it ended."""
    process.kill(signal.SIGTERM)
    return process.wait(_END_SECONDS)


@dataclass(slots=True, frozen=True)
class _Zygote:
    """``fifo`` is where it is asked."""

    place: Place
    process: PlaceProcess
    fifo: str


class Programs:
    """``environment`` is what programs find in theirs, by place."""

    def __init__(self, environment: Callable[[Place], Mapping[str, str]]) -> None:
        self._environment = environment
        self._zygotes: dict[str, _Zygote] = {}

    def start(self, place: Place, what: str, *arguments: str, env: Mapping[str, str] | None = None) -> PlaceProcess:
        """Start ``wslusb``, a module, or a program by its path."""
        if isinstance(place, Machine) or (isinstance(place, ShellPlace) and place.is_here):
            return place.start(asking(self._zygote(place).fifo, what, arguments, env or {}))
        words = [what] if what.endswith(".py") else ["-m", what]
        return place.start([place.interpreter, *words, *arguments], env={**self._environment(place), **(env or {})})

    def stop(self) -> None:
        """End the zygotes. Virtual machines take theirs with them."""
        for zygote in self._zygotes.values():
            _end(zygote)
        self._zygotes.clear()

    def _zygote(self, place: Place) -> _Zygote:
        known = self._zygotes.get(place.name)
        if known is None or known.place is not place or not known.process.running:
            if known is not None:
                _end(known)
            known = self._zygotes[place.name] = self._made(place)
        return known

    def _made(self, place: Place) -> _Zygote:
        folder = place.run(["mktemp", "-d", "-t", f"{prefix('zygote')}XXXXXX"]).stdout.strip()
        fifo = f"{folder}/requests"
        environment = {**self._environment(place), "PYTHONPATH": str(PROJECT)}
        process = place.start([place.interpreter, "-m", "hil.zygote", fifo], env=environment)
        process.wait_for_output("ready", 60)
        return _Zygote(place, process, fifo)


def _end(zygote: _Zygote) -> None:
    """Also one that hangs."""
    if isinstance(zygote.place, Machine):
        return
    with contextlib.suppress(RigError):
        terminate(zygote.process)
    zygote.process.kill()
    with contextlib.suppress(RigError):
        zygote.process.wait(_END_SECONDS)
    zygote.place.run(["rm", "-rf", zygote.fifo.rpartition("/")[0]], check=False)
