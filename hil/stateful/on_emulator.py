"""The bench without machines: service, link and guest in this process, an emulated device behind them.

What a walk on a rig has found is tried here a hundred times in the time that it took there.
"""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from emulator import device_provider
from hil.waiting import poll
from wslusb.device.api import DeviceProvider
from wslusb.device.faults import FaultyProvider, Journal, parse_plan
from wslusb.guest.client import HostClient
from wslusb.guest.remote import RemoteDevice
from wslusb.host.bindings import Bindings
from wslusb.host.catalog import Catalog
from wslusb.host.service import Service
from wslusb.transport import sockets
from wslusb.transport.address import UnixAddress
from wslusb.usb.info import DeviceInfo
from wslusb.wire.listing import DeviceState

from .player import Player, Seen
from .steps import Step, Walk

__all__ = ["EmulatedBench", "bench_for"]

PATIENCE_SECONDS = 0.3
_RELEASED_SECONDS = 10.0
_BUSID = "9-1"
_SOURCE = "loopback"
"""It has the traits of which walks know most."""


class EmulatedBench:
    """Open it with :func:`bench_for`."""

    can_replug = True

    def __init__(self, folder: Path, walk: Walk) -> None:
        self._traits = walk.traits
        self._folder = folder
        self._emulator = device_provider(_SOURCE)
        self._log = io.StringIO()
        self._told = 0
        self._provider: DeviceProvider = self._emulator
        if walk.plan:
            plan = parse_plan(walk.plan, "the walk's plan")
            self._provider = FaultyProvider(self._emulator, plan, walk.seed, journal=Journal(self._log))
        self._client: HostClient | None = None
        self._device: RemoteDevice | None = None
        self._number = 0
        self._start()

    def _start(self) -> None:
        self._number += 1
        self._address = UnixAddress(str(self._folder / f"s{self._number}"))
        self._catalog = Catalog([self._provider], Bindings(self._folder / "bindings.json"))
        self._service = Service(self._catalog, [sockets.listen(self._address)])
        self._service.start()
        self._service.bind(_BUSID)

    @property
    def traits(self) -> Collection[str]:
        """Those of the walk."""
        return self._traits

    @property
    def attached(self) -> bool:
        """Whether the device is open at the far end."""
        return self._device is not None

    def info(self) -> DeviceInfo:
        """As the emulator has it."""
        return next(iter(self._emulator.devices()))

    def attach(self) -> None:
        """Open it by way of the service."""
        self._client = HostClient(self._address)
        self._device = self._client.open(next(iter(self._provider.devices())))

    def detach(self) -> None:
        """Close it, as an agent does."""
        client, device = self._client, self._device
        self._client = self._device = None
        if device is not None:
            device.close()
        if client is not None:
            client.close()
        self._wait_free()

    def replug(self) -> None:
        """At the emulator's port."""
        self._emulator.replug(_BUSID)
        self.detach()

    def kill_agent(self) -> None:
        """The link breaks without a word."""
        if self._device is not None:
            self._device.link.end()
        self.detach()

    def kill_service(self) -> None:
        """The links break, and another service listens elsewhere, on the same devices."""
        self._service.close()
        self.detach()
        self._start()

    def _wait_free(self) -> None:
        poll(lambda: not self.troubles(), _RELEASED_SECONDS, "the service has its device back")

    def play(self, steps: Sequence[Step]) -> list[Seen]:
        """On the remote device."""
        assert self._device is not None  # noqa: S101 - a walk asks only while it is attached
        return Player(self._device, self._traits, PATIENCE_SECONDS).play(steps)

    def injected(self) -> list[str]:
        """By the record."""
        lines = self._log.getvalue()[self._told :]
        self._told += len(lines)
        events = [json.loads(line) for line in lines.splitlines()]
        return [event["what"]["kind"] for event in events if event["event"] == "injected"]

    def troubles(self) -> list[str]:
        """Whether somebody still has the device."""
        return [
            f"{listed.info.busid} is still attached"
            for listed in self._catalog.listed()
            if listed.state is DeviceState.ATTACHED
        ]

    def close(self) -> None:
        """End the service."""
        self._service.close()
        self._emulator.close()


@contextlib.contextmanager
def bench_for(walk: Walk) -> Iterator[EmulatedBench]:
    """A bench for one walk, with its faults."""
    with tempfile.TemporaryDirectory(prefix="wslusb-") as folder:
        bench = EmulatedBench(Path(folder), walk)
        with contextlib.closing(bench):
            yield bench
