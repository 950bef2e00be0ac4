"""Captures as a source of devices: ``replay:bug.pcapng,device=1.4,mode=keyed,clock=recorded,ignore=0x02:4-7``."""

from __future__ import annotations

import itertools
import logging
import threading
import weakref
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ..device.api import Watcher
from ..device.clock import REAL, Clock
from ..errors import DeviceError, LocalError, LocalReason
from ..usb.info import DeviceInfo
from ..usb.urb import Status
from . import guess
from .device import Mode, ReplayDevice
from .divergence import Log
from .facts import Facts
from .pace import ASAP, Pace
from .reading import read
from .story import Exchange, Story
from .wildcards import Wildcards

__all__ = ["Options", "ReplayProvider", "device_provider"]

_NAMES = ("device", "mode", "clock", "ignore", "port", "guess")
_YES = ("yes", "no")
_log = logging.getLogger(__name__)


@dataclass(slots=True, frozen=True)
class Options:
    """How a capture is replayed. ``device``: its bus.address, where the file has several.

    ``port``: its busid then; empty for the first of bus 8 that no other replay of this process has.
    ``guess``: whether a configuration is made up where the capture holds none (``guess.py``).
    """

    file: Path
    device: str = ""
    mode: Mode = Mode.MODEL
    pace: Pace = ASAP
    ignore: tuple[str, ...] = field(default=())
    port: str = ""
    guess: bool = False

    @classmethod
    def parse(cls, text: str) -> Options:
        """Read ``FILE[,NAME=VALUE...]``; ``ignore`` may come more than once. LocalError for what is not understood."""
        parts = text.split(",")
        # A file's name may have commas in it.
        names = (count for count in range(len(parts), 1, -1) if Path(",".join(parts[:count])).is_file())
        count = next(names, 1)
        file, pairs = ",".join(parts[:count]), parts[count:]
        values: dict[str, list[str]] = {}
        for pair in pairs:
            name, equals, value = pair.partition("=")
            if name not in _NAMES or not equals:
                raise _bad(f"{pair!r} is not an option of a replay", f"known: {', '.join(_NAMES)}")
            values.setdefault(name, []).append(value)
        if not file:
            raise _bad("which capture is to be replayed?", "replay:bug.pcapng")
        last = {name: given[-1] for name, given in values.items()}
        if last.get("mode", "model") not in {mode.value for mode in Mode}:
            raise _bad(f"{last['mode']!r} is no mode", f"known: {', '.join(mode.value for mode in Mode)}")
        if last.get("guess", "no") not in _YES:
            raise _bad(f"guess={last['guess']} is not understood", f"known: {', '.join(_YES)}")
        return cls(
            Path(file), last.get("device", ""), Mode(last.get("mode", "model")),
            Pace.parse(last.get("clock", "asap")), tuple(values.get("ignore", ())), last.get("port", ""),
            last.get("guess") == "yes",
        )  # fmt: skip


def _bad(message: str, hint: str) -> LocalError:
    return LocalError(LocalReason.BAD_ADDRESS, message, hint=hint)


class _Ports:
    """Which replay of this process has which port, so that two of one service have two."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: weakref.WeakKeyDictionary[ReplayProvider, str] = weakref.WeakKeyDictionary()

    def take(self, owner: ReplayProvider, wanted: str) -> str:
        with self._lock:
            taken = set(self._taken.values())
            port = wanted or next(name for number in itertools.count(1) if (name := f"8-{number}") not in taken)
            self._taken[owner] = port
            return port

    def free(self, owner: ReplayProvider) -> None:
        with self._lock:
            self._taken.pop(owner, None)


class ReplayProvider:
    """One device, on port ``8-1`` if that is free.

    Each opening tells the story from its beginning; ``log`` has the differences of all. A device that was pulled out
    in the capture leaves at that point, and stays away.

    LocalError for a capture that cannot be read, or that holds no device descriptor.
    """

    name = "replay"

    def __init__(self, options: Options, *, clock: Clock = REAL) -> None:
        self.log = Log()
        self.story: Story = read(options.file, options.device)
        self.facts = Facts.of(self.story)
        if options.guess and not self.facts.configurations:
            self.facts, self.story = guess.complete(self.facts, self.story) or (self.facts, self.story)
        if self.facts.device is None or not self.facts.configurations:
            lacks = ", ".join(self.facts.missing)
            hint = "plug the device in while capturing; --as-host needs no descriptors"
            if self.facts.device is not None and not options.guess:
                hint += ", and --guess (guess=yes) makes a configuration up from the endpoints that were used"
            message = f"{options.file}: no device can be made of {self.story.name}: the capture lacks {lacks}"
            raise LocalError(LocalReason.BAD_DESCRIPTOR, message, hint=hint)
        self.log.miss(self.facts.missing)
        if options.mode is Mode.MODEL and (faults := self.story.faults):
            _log.warning(
                "%s of the capture ended badly (packet %d: %s): a host that goes another way may not see that in mode "
                "model; mode keyed answers it at its place",
                "1 URB" if len(faults) == 1 else f"{len(faults)} URBs", faults[0].answer_number, _name(faults[0]),
            )  # fmt: skip
        self._options = options
        self._port = _ports.take(self, options.port)
        self._wildcards = Wildcards(options.ignore)
        self._clock = clock
        self._lock = threading.Lock()
        self._device: ReplayDevice | None = None
        self._watchers: list[Watcher] = []
        self._present = True

    def devices(self) -> Iterable[DeviceInfo]:
        """The one device, while it is there."""
        return [self.facts.info(self._port)] if self._present else []

    def open(self, info: DeviceInfo) -> ReplayDevice:
        """Open it. DeviceError(BUSY) if somebody has it, DeviceError(GONE) if it has left."""
        with self._lock:
            if not self._present:
                raise DeviceError(Status.GONE, f"{info.busid} was pulled out, as in the capture")
            if self._device is not None and not self._device.closed:
                raise DeviceError(Status.BUSY, f"{info.busid} is open already")
            self._device = ReplayDevice(
                self.story, self._options.mode, self._options.pace, facts=self.facts,
                info=self.facts.info(self._port), wildcards=self._wildcards, log=self.log, clock=self._clock,
                unplugged=self._leave,
            )  # fmt: skip
            return self._device

    def _leave(self) -> None:
        with self._lock:
            self._present = False
            watchers = list(self._watchers)
        for watcher in watchers:
            watcher()

    def watch(self, changed: Watcher) -> None:
        """Call ``changed`` when the device leaves."""
        with self._lock:
            self._watchers.append(changed)

    def close(self) -> None:
        """Stop calling watchers. The port is free."""
        _ports.free(self)
        with self._lock:
            self._watchers.clear()


def _name(exchange: Exchange) -> str:
    return exchange.status.name if exchange.status is not None else ""


_ports = _Ports()


def device_provider(argument: str = "") -> ReplayProvider:
    """What ``--device replay:ARGUMENT`` means (:meth:`Options.parse`)."""
    return ReplayProvider(Options.parse(argument))
