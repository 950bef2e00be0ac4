"""A device as one side has it: the machine that it is plugged into or attached to, and where it is there."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from hil.daemons import Daemons
from hil.errors import CommandFailedError, CommandTimeoutError
from hil.places.place import Place, PlaceProcess

__all__ = ["PROBE_SECONDS", "TIMEOUT", "ProbeError", "Running", "Side", "probe", "start"]

PROBE_SECONDS = 60.0
NATIVE = "native"
TIMEOUT = "TIMEOUT"
"""The status of a probe that has not answered in time, as of a URB that has not."""
_MOST_SAID = 2000


class ProbeError(AssertionError):
    """The device said no to a probe; ``status`` is the name of a :class:`wslusb.usb.urb.Status`, or BROKEN_RULE."""

    def __init__(self, text: str, status: str) -> None:
        super().__init__(text)
        self.status = status


class Running:
    """A probe that has been started and not yet asked for its answer."""

    def __init__(self, process: PlaceProcess, place: Place, name: str, side: str = "") -> None:
        self._process = process
        self._place = place
        self._name = name
        self._who = f"{'natively, ' if side == NATIVE else ''}{name} on {place.name}"

    @property
    def is_running(self) -> bool:
        """Whether it has not said all yet."""
        return self._process.running

    def wait_ready(self, seconds: float = PROBE_SECONDS) -> None:
        """Until it says that it listens, by a line ``ready``: from then on the device may be made to say something.

        As :meth:`answer` for one that ends before that.
        """
        try:
            self._process.wait_for_output("ready", seconds)
        except CommandFailedError:
            self.answer(seconds)
            raise

    def answer(self, seconds: float = PROBE_SECONDS) -> Any:
        """What it says at its end. ProbeError: the device refused, or holds it up. CommandFailedError: its own."""
        try:
            result = self._process.wait(seconds)
        except CommandTimeoutError as error:
            self._process.kill()
            what = f"{self._who}: the device kept it waiting for {seconds:g} s"
            raise ProbeError(what, TIMEOUT) from error
        if result.returncode or not result.stdout.strip():
            raise CommandFailedError(self._place.name, f"the probe {self._name} failed:\n{result.output.strip()}")
        try:
            answer = json.loads(result.stdout.splitlines()[-1])
            if "error" not in answer:
                return answer["result"]
            status, message = str(answer["error"]["status"]), answer["error"]["message"]
        except (ValueError, TypeError, KeyError) as error:
            text = f"the probe {self._name} gave no answer:\n{result.output.strip()[-_MOST_SAID:]}"
            raise CommandFailedError(self._place.name, text) from error
        raise ProbeError(f"{self._who}: {status}: {message}", status)


def start(daemons: Daemons[Place, Place], place: Place, name: str, side: str = "", **words: Any) -> Running:
    """Start ``hil.probes.NAME`` in a place, to do something else while it runs."""
    return Running(daemons.python(place, "hil.probes.__main__", name, json.dumps(words)), place, name, side)


def probe(daemons: Daemons[Place, Place], place: Place, name: str, seconds: float = PROBE_SECONDS, **words: Any) -> Any:
    """Run ``hil.probes.NAME`` in a place; see :meth:`Running.answer`."""
    return start(daemons, place, name, **words).answer(seconds)


@dataclass(slots=True, frozen=True)
class Side:
    """``native`` or ``passthrough``. ``target`` and ``busid`` are what a probe opens there.

    ``nodes`` is what the kernel's drivers made of the device; None where no kernel has it (a virtual device that is
    opened in process).
    """

    name: str
    place: Place
    target: str
    busid: str
    daemons: Daemons[Place, Place] = field(repr=False)
    nodes: tuple[str, ...] | None = None

    @property
    def has_kernel(self) -> bool:
        """Whether drivers of a kernel can be asked for the device."""
        return self.nodes is not None

    def probe(self, name: str, seconds: float = PROBE_SECONDS, **words: Any) -> Any:
        """Run ``hil.probes.NAME`` beside the device, with its target and busid; what it says."""
        return self.start(name, **words).answer(seconds)

    def start(self, name: str, **words: Any) -> Running:
        """Start ``hil.probes.NAME`` beside the device, to do something else while it runs."""
        return start(self.daemons, self.place, name, self.name, target=self.target, busid=self.busid, **words)

    def node(self, prefix: str) -> str:
        """The one node that starts so: ``/dev/sd``. AssertionError if there is none."""
        for node in self.nodes or ():
            if node.startswith(prefix):
                return node
        raise AssertionError(f"{self.name}: no {prefix} among {', '.join(self.nodes or ()) or 'no nodes'}")

    def __str__(self) -> str:
        return self.name
