"""A whole host in this process: a service on a Unix socket, with virtual devices."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from emulator import device_provider
from tests.support.waiting import until
from wslusb.guest.client import HostClient
from wslusb.guest.remote import RemoteDevice
from wslusb.host.bindings import Bindings
from wslusb.host.catalog import Catalog
from wslusb.host.service import Service
from wslusb.transport import sockets
from wslusb.transport.address import UnixAddress
from wslusb.usb.ids import TransferType
from wslusb.usb.info import DeviceInfo
from wslusb.wire.listing import DeviceState, Listed

BULK, INTERRUPT, ISO = TransferType.BULK, TransferType.INTERRUPT, TransferType.ISOCHRONOUS


class World:
    """Start it with ``with``. Devices are on 9-1, 9-2, ... and not shared at first."""

    def __init__(self, folder: Path, models: str = "loopback") -> None:
        self.provider = device_provider(models)
        self.catalog = Catalog([self.provider], Bindings(folder / "bindings.json"))
        self.address = UnixAddress(str(folder / "s"))
        self.service = Service(self.catalog, [sockets.listen(self.address)])

    def __enter__(self) -> Self:
        self.service.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.service.close()

    def info(self, busid: str = "9-1") -> DeviceInfo:
        """A device as the host sees it now."""
        return next(info for info in self.provider.devices() if info.busid == busid)

    def client(self, **options: object) -> HostClient:
        """A guest."""
        return HostClient(self.address, **options)  # type: ignore[arg-type]

    def state(self, busid: str = "9-1") -> DeviceState:
        """What ``wslusb list`` would say."""
        return next(listed.state for listed in self.catalog.listed() if listed.info.busid == busid)

    def free(self, busid: str = "9-1") -> None:
        """Wait until nobody has the device."""
        until(lambda: self.state(busid) is not DeviceState.ATTACHED, f"{busid} is given back")

    def taken(self, busid: str = "9-1") -> None:
        """Wait until somebody has the device."""
        until(lambda: self.state(busid) is DeviceState.ATTACHED, f"{busid} is attached")

    def client_list(self) -> list[Listed]:
        """What a fresh guest is told."""
        client = self.client()
        try:
            return client.devices()
        finally:
            client.close()

    def works(self, busid: str = "9-1") -> None:
        """A fresh guest can attach the device and move bytes."""
        from tests.support.usb import read_zeroes

        client = self.client()
        try:
            device = client.open(self.info(busid))
            try:
                read_zeroes(device)
            finally:
                device.close()
        finally:
            client.close()


class Guest:
    """A client and a device that it has attached."""

    def __init__(self, world: World, busid: str = "9-1") -> None:
        self.client = world.client()
        self.device: RemoteDevice = self.client.open(world.info(busid))

    def close(self) -> None:
        """Both, as an orderly program does it."""
        self.device.close()
        self.client.close()
