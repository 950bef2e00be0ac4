"""A device at the far end of a link keeps the Device contract, bare and guarded, through a whole service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.device_contract import DeviceContract
from tests.integration.test_device_contract_emulator import LOOPBACK_TRAITS
from tests.support.world import World
from wslusb.device.api import Device
from wslusb.device.guard import Guarded
from wslusb.guest.client import HostClient


class TestRemoteDevice(DeviceContract):
    traits = LOOPBACK_TRAITS
    world: World
    client: HostClient

    @pytest.fixture(autouse=True)
    def served(self, folder: Path) -> Iterator[None]:
        with World(folder) as self.world:
            self.world.service.bind("9-1")
            self.client = self.world.client()
            yield
            self.client.close()

    def open_device(self) -> Device:
        return self.client.open(self.world.info())


class TestGuardedRemoteDevice(TestRemoteDevice):
    def open_device(self) -> Device:
        return Guarded(self.client.open(self.world.info()))
