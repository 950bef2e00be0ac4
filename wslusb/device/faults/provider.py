"""A DeviceProvider that wraps a DeviceProvider: its devices are :class:`Faulty`, and can be off the bus for a while."""

from __future__ import annotations

import dataclasses
import functools
import logging
import threading
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from ...errors import DeviceError, LocalError
from ...usb.info import DeviceInfo, Identity
from ...usb.urb import Status
from ..api import Device, DeviceProvider, Watcher
from ..clock import REAL, Clock
from .course import FOR_EVER
from .faulty import Faulty
from .plan import Plan
from .record import Journal
from .schedule import Schedule

__all__ = ["Exchanges", "FaultyProvider"]

_log = logging.getLogger(__name__)


@runtime_checkable
class Exchanges(Protocol):
    """What a provider has that can put another device into a port: virtual ones do."""

    def become(self, busid: str, what: str) -> None:
        """Pull the device at ``busid`` out and put in what ``what`` names. LocalError if that is not understood."""


@dataclass(slots=True)
class _Port:
    """What faults have made of a port: off the bus or not, and how often it came back."""

    absent: bool = False
    returns: int = 0
    schedules: dict[Identity, Schedule] = field(default_factory=dict)
    """By what was plugged in: a device that has become another has other faults."""


class FaultyProvider:
    """Injects ``plan`` into the devices of ``provider``. Devices that no fault is for are given as they are.

    A schedule belongs to a device at a port and goes on when that is opened again, so that a fault that is to come
    once comes once. A device that a fault has pulled out is not listed until it is back, with a new generation.
    """

    def __init__(
        self, provider: DeviceProvider, plan: Plan, seed: int, *, journal: Journal | None = None, clock: Clock = REAL
    ) -> None:
        self.name = provider.name
        self._provider = provider
        self._plan = plan
        self._seed = seed
        self._journal = journal
        self._clock = clock
        self._lock = threading.Lock()
        self._ports: dict[str, _Port] = {}
        self._watchers: list[Watcher] = []

    def devices(self) -> list[DeviceInfo]:
        """The provider's devices, without those that a fault has pulled out."""
        with self._lock:
            return [self._shown(info) for info in self._provider.devices() if not self._port(info).absent]

    def open(self, info: DeviceInfo) -> Device:
        """Open a device, faults and all. DeviceError if it is off the bus, and whatever the provider says."""
        with self._lock:
            port = self._port(info)
            if port.absent:
                raise DeviceError(Status.GONE, f"{info.busid} is not there any more")
            schedule = port.schedules.get(info.identity)
            if schedule is None:
                schedule = port.schedules[info.identity] = Schedule(self._plan, self._seed, info)
            real = dataclasses.replace(info, generation=info.generation - port.returns)
        device = self._provider.open(real)
        if not schedule:
            return device
        return Faulty(
            device, self._plan, seed=self._seed, journal=self._journal, clock=self._clock, schedule=schedule,
            info=dataclasses.replace(device.info, generation=info.generation),
            left=functools.partial(self._leave, info.busid), can_become=isinstance(self._provider, Exchanges),
        )  # fmt: skip

    def _port(self, info: DeviceInfo) -> _Port:
        return self._ports.setdefault(info.busid, _Port())

    def _shown(self, info: DeviceInfo) -> DeviceInfo:
        returns = self._port(info).returns
        return dataclasses.replace(info, generation=info.generation + returns) if returns else info

    def _leave(self, busid: str, seconds: float, become: str) -> None:
        """A fault has pulled the device out."""
        if become:
            self._exchange(busid, become)
            return
        with self._lock:
            self._ports[busid].absent = True
        if seconds < FOR_EVER:
            self._clock.call_at(self._clock.now() + seconds, functools.partial(self._return, busid))
        self._changed()

    def _exchange(self, busid: str, become: str) -> None:
        provider = self._provider
        try:
            assert isinstance(provider, Exchanges)  # noqa: S101 - it was asked when the device was opened
            provider.become(busid, become)
        except LocalError as error:
            _log.error("%s could not become %s: %s", busid, become, error)

    def _return(self, busid: str) -> None:
        with self._lock:
            port = self._ports[busid]
            port.absent = False
            port.returns += 1
        self._changed()

    def _changed(self) -> None:
        with self._lock:
            watchers = list(self._watchers)
        for watcher in watchers:
            watcher()

    def watch(self, changed: Watcher) -> None:
        """Call ``changed`` when the provider's devices come and go, and when faults have them do so."""
        with self._lock:
            self._watchers.append(changed)
        self._provider.watch(changed)

    def close(self) -> None:
        """Close the provider."""
        with self._lock:
            self._watchers.clear()
        self._provider.close()
