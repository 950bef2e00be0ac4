"""Captures as a source of devices: ``replay:bug.pcapng,device=1.4,mode=keyed,clock=recorded,ignore=0x02:4-7``."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ..device.api import Watcher
from ..device.clock import REAL, Clock
from ..errors import DeviceError, LocalError, LocalReason
from ..usb.info import DeviceInfo
from ..usb.urb import Status
from .device import Mode, ReplayDevice
from .divergence import Log
from .facts import Facts
from .pace import ASAP, Pace
from .reading import read
from .story import Story
from .wildcards import Wildcards

__all__ = ["Options", "ReplayProvider", "device_provider"]

_PORT = "8-1"
_NAMES = ("device", "mode", "clock", "ignore", "port")


@dataclass(slots=True, frozen=True)
class Options:
    """How a capture is replayed. ``device``: its bus.address, where the file has several; ``port``: its busid then."""

    file: Path
    device: str = ""
    mode: Mode = Mode.MODEL
    pace: Pace = ASAP
    ignore: tuple[str, ...] = field(default=())
    port: str = _PORT

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
        return cls(
            Path(file), last.get("device", ""), Mode(last.get("mode", "model")),
            Pace.parse(last.get("clock", "asap")), tuple(values.get("ignore", ())), last.get("port", _PORT),
        )  # fmt: skip


def _bad(message: str, hint: str) -> LocalError:
    return LocalError(LocalReason.BAD_ADDRESS, message, hint=hint)


class ReplayProvider:
    """One device, on port ``8-1`` by default.

    Each opening tells the story from its beginning; ``log`` has the differences of all. A device that was pulled out
    in the capture leaves at that point, and stays away.

    LocalError for a capture that cannot be read, or that holds no device descriptor.
    """

    name = "replay"

    def __init__(self, options: Options, *, clock: Clock = REAL) -> None:
        self.log = Log()
        self.story: Story = read(options.file, options.device)
        self.facts = Facts.of(self.story)
        if self.facts.device is None or not self.facts.configurations:
            lacks = ", ".join(self.facts.missing)
            hint = "plug the device in while capturing; --as-host and mode=strict of the library need no descriptors"
            message = f"{options.file}: no device can be made of {self.story.name}: the capture lacks {lacks}"
            raise LocalError(LocalReason.BAD_DESCRIPTOR, message, hint=hint)
        self.log.miss(self.facts.missing)
        self._options = options
        self._wildcards = Wildcards(options.ignore)
        self._clock = clock
        self._lock = threading.Lock()
        self._device: ReplayDevice | None = None
        self._watchers: list[Watcher] = []
        self._present = True

    def devices(self) -> Iterable[DeviceInfo]:
        """The one device, while it is there."""
        return [self.facts.info(self._options.port)] if self._present else []

    def open(self, info: DeviceInfo) -> ReplayDevice:
        """Open it. DeviceError(BUSY) if somebody has it, DeviceError(GONE) if it has left."""
        with self._lock:
            if not self._present:
                raise DeviceError(Status.GONE, f"{info.busid} was pulled out, as in the capture")
            if self._device is not None and not self._device.closed:
                raise DeviceError(Status.BUSY, f"{info.busid} is open already")
            self._device = ReplayDevice(
                self.story, self._options.mode, self._options.pace, facts=self.facts,
                info=self.facts.info(self._options.port), wildcards=self._wildcards, log=self.log, clock=self._clock,
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
        """Stop calling watchers."""
        with self._lock:
            self._watchers.clear()


def device_provider(argument: str = "") -> ReplayProvider:
    """What ``--device replay:ARGUMENT`` means (:meth:`Options.parse`)."""
    return ReplayProvider(Options.parse(argument))
