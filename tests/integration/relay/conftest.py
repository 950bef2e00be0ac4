"""A relay between a kernel end and a device: one of the emulator, or one that does what the test says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from emulator import device_provider
from tests.support.relay import INFO, Rig
from tests.support.usb import PuppetDevice


@pytest.fixture
def emulated() -> Iterator[Rig]:
    device = device_provider("loopback").open(INFO)
    rig = Rig(device)
    yield rig
    rig.close()
    device.close()


@pytest.fixture
def puppet() -> PuppetDevice:
    return PuppetDevice(INFO)


@pytest.fixture
def rig(puppet: PuppetDevice) -> Iterator[Rig]:
    made = Rig(puppet)
    yield made
    made.close()
    puppet.close()
