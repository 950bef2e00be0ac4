"""Watching what is plugged into a place: a program there that tells every change, and its reader here.

``python -m hil.places.watching`` prints a line of JSON, the list of devices without their descriptors, and another one
each time that it changes. It ends when it is killed.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from hil.errors import CommandFailedError, RigError
from hil.places.place import Place, PlaceProcess
from wslusb.usb.info import DeviceInfo

__all__ = ["Seen", "Watch", "watching"]

_START_SECONDS = 60.0
_POLL_SECONDS = 0.03
_FIELDS = (
    "busid", "vendor", "product", "manufacturer", "product_name", "serial", "port_path", "active_configuration",
)  # fmt: skip

Found = TypeVar("Found")


@dataclass(slots=True, frozen=True)
class Seen:
    """A device of a list. ``address`` is another one each time that it is plugged in or comes back."""

    info: DeviceInfo
    address: int


@contextlib.contextmanager
def watching(place: Place) -> Iterator[Watch]:
    """Look at a place's devices until the context ends. CommandFailedError if that does not work there."""
    process = place.start([place.interpreter, "-m", __name__])
    try:
        process.wait_for_output(r"\[.*\n", _START_SECONDS)
        yield Watch(process, place.name)
    finally:
        if process.running:
            process.kill()
            process.wait(_START_SECONDS)


class Watch:
    """The devices of a place as they were at each change."""

    def __init__(self, process: PlaceProcess, where: str) -> None:
        self._process = process
        self._where = where
        self._history: list[list[Seen]] = []

    @property
    def history(self) -> Sequence[Sequence[Seen]]:
        """Every list up to now, the oldest first: that of when the context began."""
        ended = not self._process.running
        lines = [line for line in self._process.stdout.split("\n")[:-1] if line.startswith("[")]
        self._history += [self._parse(line) for line in lines[len(self._history) :]]
        if ended:
            said = self._process.output.strip().splitlines()
            raise RigError(f"{self._where} no longer tells what is plugged in: {said[-1] if said else 'it went away'}")
        return self._history

    @property
    def now(self) -> Sequence[Seen]:
        """What is plugged in."""
        return self.history[-1]

    def wait(self, condition: Callable[[Watch], Found | None], seconds: float) -> Found | None:
        """What ``condition`` finds, as soon as it is not None; None after ``seconds``."""
        deadline = time.monotonic() + seconds
        while (found := condition(self)) is None and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        return found

    def _parse(self, line: str) -> list[Seen]:
        try:
            return [Seen(DeviceInfo(**each["info"]), each["address"]) for each in json.loads(line)]
        except (ValueError, KeyError, TypeError) as error:
            raise CommandFailedError(self._where, f"{__name__} said {line[:200]!r}") from error


def _main() -> None:
    from wslusb.system import current

    system, said = current(), ""
    while True:
        devices = system.devices()
        line = json.dumps([
            {"info": {name: getattr(each.info, name) for name in _FIELDS}, "address": each.address} for each in devices
        ])  # fmt: skip
        if line != said:
            print(line, flush=True)  # noqa: T201 - its output is its answer
            said = line
        time.sleep(_POLL_SECONDS)


if __name__ == "__main__":
    _main()
