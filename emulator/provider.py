"""Virtual devices as a :class:`wslusb.device.api.DeviceProvider`, with ports that tests plug and unplug."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterable
from dataclasses import dataclass

from wslusb.device.api import Device, Watcher
from wslusb.device.clock import Clock
from wslusb.errors import DeviceError, LocalError, LocalReason
from wslusb.usb.info import DeviceInfo
from wslusb.usb.urb import Status

from .catalogue import parse_models
from .device import VirtualDevice
from .model import Model
from .switches import Switches

__all__ = ["EmulatorProvider"]

_BUS = 9


@dataclass(slots=True)
class _Port:
    """A socket of the emulator. ``device`` is the opening that somebody holds, if any."""

    model: Model
    plugged: bool = True
    generation: int = 1
    device: VirtualDevice | None = None


class EmulatorProvider:
    """Virtual devices on ports ``9-1``, ``9-2``, ... in the order given. All are plugged in at first."""

    name = "emulator"

    def __init__(self, models: Iterable[Model], clock: Clock | None = None) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._ports = {f"{_BUS}-{number}": _Port(model) for number, model in enumerate(models, 1)}
        self._watchers: list[Watcher] = []
        self._switches = Switches.from_environment(self)

    @property
    def ports(self) -> list[str]:
        """All ports, whether a device is plugged in or not."""
        return list(self._ports)

    def devices(self) -> list[DeviceInfo]:
        """The devices that are plugged in, in the order of their ports."""
        with self._lock:
            return [self._info(busid, port) for busid, port in self._ports.items() if port.plugged]

    def _info(self, busid: str, port: _Port) -> DeviceInfo:
        return port.model.gadget.info(busid, port.generation)

    def open(self, info: DeviceInfo) -> Device:
        """Open a device. DeviceError: GONE if it was unplugged since it was listed, BUSY if somebody has it."""
        with self._lock:
            port = self._ports.get(info.busid)
            if port is None or not port.plugged or port.generation != info.generation:
                raise DeviceError(Status.GONE, f"{info.busid} is not there any more")
            if port.device is not None and not port.device.closed:
                raise DeviceError(Status.BUSY, f"{info.busid} is open already")
            port.device = VirtualDevice(
                port.model.gadget, port.model.firmware, self._info(info.busid, port), clock=self._clock,
                replug=functools.partial(self._reenumerate, info),
            )  # fmt: skip
            return port.device

    def unplug(self, busid: str) -> None:
        """Pull a device out: it ends with GONE for whoever has it open. LocalError if there is no such port."""
        with self._lock:
            port = self._port(busid)
            device, port.plugged = port.device, False
        if device is not None:
            device.unplug()
        self._changed()

    def plug(self, busid: str) -> DeviceInfo:
        """Put a device in again; its generation grows. LocalError if there is no such port."""
        with self._lock:
            port = self._port(busid)
            if not port.plugged:
                port.plugged = True
                port.generation += 1
            info = self._info(busid, port)
        self._changed()
        return info

    def replug(self, busid: str) -> DeviceInfo:
        """:meth:`unplug`, then :meth:`plug`."""
        self.unplug(busid)
        return self.plug(busid)

    def exchange(self, busid: str, model: Model) -> None:
        """Pull a device out and put another one into its port.

        LocalError: NOT_FOUND if there is no such port, BAD_STATE if nothing is plugged into it.
        """
        with self._lock:
            if not self._port(busid).plugged:
                raise LocalError(LocalReason.BAD_STATE, f"nothing is plugged into {busid}")
        self._exchange(busid, model)

    def _exchange(self, busid: str, model: Model) -> None:
        self.unplug(busid)
        with self._lock:
            self._port(busid).model = model
        self.plug(busid)

    def _reenumerate(self, info: DeviceInfo, model: Model) -> None:
        """A device wants to come back as another; nothing happens if it has been pulled out since."""
        with self._lock:
            port = self._port(info.busid)
            there = port.plugged and port.generation == info.generation
        if there:
            self._exchange(info.busid, model)

    def become(self, busid: str, what: str) -> None:
        """:meth:`exchange`, for the one device that ``what`` names (:func:`emulator.catalogue.parse_models`).

        LocalError (AMBIGUOUS) if it names several. This is what ``wslusb.device.faults`` asks a provider for.
        """
        models = parse_models(what)
        if len(models) > 1:
            raise LocalError(LocalReason.AMBIGUOUS, f"{what}: a port takes one device, not {len(models)}")
        self.exchange(busid, models[0])

    def _port(self, busid: str) -> _Port:
        port = self._ports.get(busid)
        if port is None:
            raise LocalError(LocalReason.NOT_FOUND, f"there is no port {busid}, only {', '.join(self._ports)}")
        return port

    def _changed(self) -> None:
        with self._lock:
            watchers = list(self._watchers)
        for watcher in watchers:
            watcher()

    def watch(self, changed: Watcher) -> None:
        """Call ``changed`` at each plug and unplug, from the thread that does it, until :meth:`close`."""
        with self._lock:
            self._watchers.append(changed)

    def close(self) -> None:
        """Stop calling watchers. Open devices stay with whoever opened them."""
        if self._switches is not None:
            self._switches.close()
        with self._lock:
            self._watchers.clear()
